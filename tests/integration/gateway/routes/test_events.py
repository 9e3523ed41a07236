"""The event stream over HTTP: live events, missed events, and several gateways."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.event_client import PATH, EventStreamReader, open_event_stream
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import command

JPEG = b"\xff\xd8\xff\xe0"
SLOW_CLIENTS = 1_000


def holiday(tree: Tree, *, files: int = 3) -> Node:
    root = tree.folder("Holiday")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]) * 2000)
    return root


async def read_until_quiet(stream: EventStreamReader) -> str:
    """Read events until there are none for a while; return the last id."""
    while True:
        try:
            await asyncio.wait_for(stream.next_event(), 1.5)
        except TimeoutError:
            return stream.last_id


async def test_a_client_receives_the_progress_and_end_of_an_import(tree: Tree, flow: ImportFlow) -> None:
    url = flow.drive.folder_url(holiday(tree))
    async with running_gateway(on_free_port(flow)) as gateway, open_event_stream(gateway.session) as stream:
        job_id = await gateway.start_import(url)
        images = await stream.wait_for("images", job_id=job_id)
        finished = await stream.wait_for("job", id=job_id, state="completed")
        assert images.data["stored"] == 3
        assert finished.data | {"failures": [], "skips": []} == await gateway.get(f"/api/jobs/{job_id}")
        assert int(finished.last_id) > 0


async def test_a_new_client_receives_unfinished_jobs_first(tree: Tree, flow: ImportFlow) -> None:
    root = holiday(tree, files=40)
    flow.setting_overrides["concurrency"] = 2
    async with DriveTestServer(tree, latency_s=0.05) as flow.drive, running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        async with open_event_stream(gateway.session) as stream:
            first = await stream.next_event()
            assert first is not None
            assert (first.event, first.data["id"]) == ("job", job_id)
            await stream.wait_for("job", id=job_id, state="completed")
        async with open_event_stream(gateway.session) as stream:
            await gateway.start_import(flow.drive.folder_url(tree.folder("Other")))
            first = await stream.next_event()
            assert first is not None
            assert first.data["id"] != job_id  # a finished job is not sent


async def test_a_reconnecting_client_receives_missed_events_once(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        async with open_event_stream(gateway.session) as stream:
            await gateway.import_folder(flow.drive.folder_url(holiday(tree)))
            last_id = await read_until_quiet(stream)
        missed = await gateway.start_import(flow.drive.folder_url(tree.folder("Other")))
        await gateway.wait_until_finished(missed)
        async with open_event_stream(gateway.session, last_id) as stream:
            again = await read_until_quiet(stream)
            jobs = [event.data for event in stream.received if event.event == "job"]
            assert {(job["id"], job["state"]) for job in jobs} == {(missed, "completed")}
        async with open_event_stream(gateway.session, again) as stream:
            await read_until_quiet(stream)
            assert stream.received == []
        async with gateway.session.get(f"{PATH}?last_event_id={last_id}") as response:
            assert (await EventStreamReader(response).wait_for("job")).data["id"] == missed


async def test_a_client_from_before_the_first_event_misses_nothing(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        async with open_event_stream(gateway.session) as stream:
            first_id = await read_until_quiet(stream)
        job_id = await gateway.start_import(flow.drive.folder_url(holiday(tree)))
        await gateway.wait_until_finished(job_id)
        assert first_id == "0"
        async with open_event_stream(gateway.session, first_id) as stream:
            await stream.wait_for("job", id=job_id, state="completed")
        assert "reset" not in {event.event for event in stream.received}


@pytest.mark.parametrize("last_id", ["999999", "-1", "1e9", "9" * 19, "9" * 400, "\u0663", "'; DROP TABLE events"])
async def test_an_unknown_event_id_is_answered_with_a_reset(tree: Tree, flow: ImportFlow, last_id: str) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        async with open_event_stream(gateway.session) as stream:
            await gateway.import_folder(flow.drive.folder_url(holiday(tree)))
            await read_until_quiet(stream)
        async with gateway.session.get(PATH, params={"last_event_id": last_id}) as response:
            stream = EventStreamReader(response)
            assert (event := await stream.next_event()) is not None
            assert (event.event, event.data) == ("reset", {})
            await gateway.start_import(flow.drive.folder_url(tree.folder("Other")))
            await stream.wait_for("job", state="completed")


async def test_a_job_has_a_rate_then_a_time_left_and_a_progress_series(tree: Tree, flow: ImportFlow) -> None:
    root = holiday(tree, files=80)
    flow.setting_overrides["concurrency"] = 2
    async with DriveTestServer(tree, latency_s=0.15) as flow.drive, running_gateway(on_free_port(flow)) as gateway:
        async with open_event_stream(gateway.session) as stream:
            job_id = await gateway.start_import(flow.drive.folder_url(root))
            await gateway.wait_until_finished(job_id)
            finished = await stream.wait_for("job", id=job_id, state="completed")
        samples = (await gateway.get(f"/api/jobs/{job_id}/progress"))["samples"]
    updates = [event.data for event in stream.received if event.event == "job" and event.data["state"] == "running"]
    rates = [job["rate"] for job in updates if job["rate"]]
    assert any(rate["files_per_second"] > 0 and rate["bytes_per_second"] > rate["files_per_second"] for rate in rates)
    etas = [job["eta"] for job in updates if job["eta"]]
    assert all(0 <= eta["min_s"] <= eta["max_s"] for eta in etas)
    assert len(etas) > 0
    assert (finished.data["rate"], finished.data["eta"]) == (None, None)
    processed = [sample["processed"] for sample in samples]
    assert processed == sorted(processed)
    assert (samples[0]["discovered"], samples[-1]["processed"], samples[-1]["bytes"]) == (
        0,
        80,
        finished.data["bytes_transferred"],
    )


async def test_deleting_a_job_sends_an_event(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, open_event_stream(gateway.session) as stream:
        job_id = (await gateway.import_folder(flow.drive.folder_url(holiday(tree))))["job_id"]
        async with gateway.session.delete(f"/api/jobs/{job_id}") as response:
            assert response.status == 204
        await stream.wait_for("job-removed", id=job_id)


async def test_deleting_images_sends_an_event(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, open_event_stream(gateway.session) as stream:
        await gateway.import_folder(flow.drive.folder_url(holiday(tree)))
        first, second, _ = [image["id"] for image in await gateway.get("/images")]
        async with gateway.session.delete(f"/api/images/{first}") as response:
            assert response.status == 204
        assert (await stream.wait_for("images-deleted")).data == {"ids": [first]}
        async with gateway.session.post("/api/images/delete", json={"ids": [second]}) as response:
            assert response.status == 200
        assert (await stream.wait_for("images-deleted")).data == {"ids": [second]}


@pytest.mark.integration
async def test_missed_events_are_available_after_a_restart_and_at_another_gateway(tree: Tree, flow: ImportFlow) -> None:
    url, other_url = flow.drive.folder_url(holiday(tree)), flow.drive.folder_url(tree.folder("Other"))
    async with running_gateway(on_free_port(flow)) as gateway:
        async with open_event_stream(gateway.session) as stream:
            await gateway.import_folder(url)
            last_id = await read_until_quiet(stream)
        job_id = await gateway.start_import(other_url)
        await gateway.wait_until_finished(job_id)
    async with running_gateway(on_free_port(flow)) as gateway, command(flow, "serve") as another:
        line = await another.wait_for_line("http://")
        (url,) = (word for word in line.split() if word.startswith("http://"))
        async with aiohttp.ClientSession(url) as session:
            for one in (gateway.session, session):
                async with open_event_stream(one, last_id) as stream:
                    await stream.wait_for("job", id=job_id, state="completed")
            async with open_event_stream(session) as stream:
                here = await gateway.start_import(flow.drive.folder_url(holiday(tree)))
                await stream.wait_for("job", id=here, state="completed")


async def test_a_stopping_gateway_ends_event_streams(flow: ImportFlow) -> None:
    async with AsyncExitStack() as client:
        async with running_gateway(on_free_port(flow)) as gateway:
            session = await client.enter_async_context(aiohttp.ClientSession(gateway.url))
            stream = await client.enter_async_context(open_event_stream(session))
        assert await stream.next_event() is None


@pytest.mark.integration
async def test_a_thousand_clients_that_do_not_read_delay_no_others(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, open_event_stream(gateway.session) as stream:
        writers = [await connect_without_reading(gateway, number) for number in range(SLOW_CLIENTS)]
        job_id = await gateway.start_import(flow.drive.folder_url(holiday(tree, files=200)))
        for _ in range(10):
            assert (await gateway.get("/health"))["status"] == "healthy"
        await stream.wait_for("job", id=job_id, state="completed")
        for writer in writers:
            writer.close()


async def connect_without_reading(gateway: GatewayClient, number: int) -> asyncio.StreamWriter:
    """Request the event stream and never read it. A hundred connections each have an address of their own."""
    source = (f"127.0.0.{2 + number // 100}", 0)
    reader, writer = await asyncio.open_connection(*gateway.address, limit=1, local_addr=source)
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.read(1)
    return writer
