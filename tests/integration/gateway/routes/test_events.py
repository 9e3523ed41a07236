"""Events over HTTP: live, missed, and from another gateway."""

import asyncio
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.event_client import PATH, Listener, listening
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.processes import command

JPEG = b"\xff\xd8\xff\xe0"
SLOW_CLIENTS = 1_000
HEALTH_WITHIN_S = 30


def holiday(tree: Tree, *, files: int = 3) -> Node:
    root = tree.folder("Holiday")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]) * 2000)
    return root


async def settled(listener: Listener) -> str:
    """The id of a stream on which nothing is said any more for a while."""
    while True:
        try:
            await asyncio.wait_for(listener.next(), 1.5)
        except TimeoutError:
            return listener.last_id


async def test_who_watches_hears_how_an_import_begins_goes_on_and_ends(tree: Tree, flow: Flow) -> None:
    url = flow.drive.folder_url(holiday(tree))
    async with served(anywhere(flow)) as gateway, listening(gateway.session) as listener:
        job_id = await gateway.begin(url)
        images = await listener.until("images", job_id=job_id)
        ended = await listener.until("job", id=job_id, state="completed")
        assert images.data["stored"] == 3
        assert ended.data | {"failures": [], "skips": []} == await gateway.get(f"/api/jobs/{job_id}")
        assert int(ended.last_id) > 0


async def test_who_begins_to_watch_hears_what_is_under_way(tree: Tree, flow: Flow) -> None:
    root = holiday(tree, files=40)
    flow.given["concurrency"] = 2
    async with StandIn(tree, latency_s=0.05) as flow.drive, served(anywhere(flow)) as gateway:
        job_id = await gateway.begin(flow.drive.folder_url(root))
        async with listening(gateway.session) as listener:
            first = await listener.next()
            assert first is not None
            assert (first.event, first.data["id"]) == ("job", job_id)
            await listener.until("job", id=job_id, state="completed")
        async with listening(gateway.session) as listener:
            await gateway.begin(flow.drive.folder_url(tree.folder("Other")))
            first = await listener.next()
            assert first is not None
            assert first.data["id"] != job_id  # what has ended is no news


async def test_who_comes_back_hears_what_was_missed_once(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        async with listening(gateway.session) as listener:
            await gateway.run(flow.drive.folder_url(holiday(tree)))
            last_id = await settled(listener)
        missed = await gateway.begin(flow.drive.folder_url(tree.folder("Other")))
        await gateway.ending(missed)
        async with listening(gateway.session, last_id) as listener:
            again = await settled(listener)
            jobs = [heard.data for heard in listener.heard if heard.event == "job"]
            assert {(job["id"], job["state"]) for job in jobs} == {(missed, "completed")}
        async with listening(gateway.session, again) as listener:
            await settled(listener)
            assert listener.heard == []
        async with gateway.session.get(f"{PATH}?last_event_id={last_id}") as answer:
            assert (await Listener(answer).until("job")).data["id"] == missed


async def test_who_watched_before_there_was_anything_has_missed_nothing(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        async with listening(gateway.session) as listener:
            nothing_yet = await settled(listener)
        job_id = await gateway.begin(flow.drive.folder_url(holiday(tree)))
        await gateway.ending(job_id)
        assert nothing_yet == "0"
        async with listening(gateway.session, nothing_yet) as listener:
            await listener.until("job", id=job_id, state="completed")
        assert "reset" not in {heard.event for heard in listener.heard}


@pytest.mark.parametrize("last_id", ["999999", "-1", "1e9", "9" * 19, "9" * 400, "\u0663", "'; DROP TABLE events"])
async def test_who_says_an_id_that_is_not_kept_is_told_to_load_anew(tree: Tree, flow: Flow, last_id: str) -> None:
    async with served(anywhere(flow)) as gateway:
        async with listening(gateway.session) as listener:
            await gateway.run(flow.drive.folder_url(holiday(tree)))
            await settled(listener)
        async with gateway.session.get(PATH, params={"last_event_id": last_id}) as answer:
            listener = Listener(answer)
            assert (heard := await listener.next()) is not None
            assert (heard.event, heard.data) == ("reset", {})
            await gateway.begin(flow.drive.folder_url(tree.folder("Other")))
            await listener.until("job", state="completed")


async def test_a_job_tells_its_rate_then_the_time_left_and_keeps_its_line(tree: Tree, flow: Flow) -> None:
    root = holiday(tree, files=80)
    flow.given["concurrency"] = 2
    async with StandIn(tree, latency_s=0.15) as flow.drive, served(anywhere(flow)) as gateway:
        async with listening(gateway.session) as listener:
            job_id = await gateway.begin(flow.drive.folder_url(root))
            await gateway.ending(job_id)
            ended = await listener.until("job", id=job_id, state="completed")
        line = (await gateway.get(f"/api/jobs/{job_id}/progress"))["samples"]
    told = [heard.data for heard in listener.heard if heard.event == "job" and heard.data["state"] == "running"]
    rates = [job["rate"] for job in told if job["rate"]]
    assert any(rate["files_s"] > 0 and rate["bytes_s"] > rate["files_s"] for rate in rates)
    etas = [job["eta"] for job in told if job["eta"]]
    assert all(0 <= eta["min_s"] <= eta["max_s"] for eta in etas)
    assert len(etas) > 0
    assert (ended.data["rate"], ended.data["eta"]) == (None, None)
    processed = [sample["processed"] for sample in line]
    assert processed == sorted(processed)
    assert (line[0]["discovered"], line[-1]["processed"], line[-1]["bytes"]) == (0, 80, ended.data["bytes_moved"])


async def test_a_job_that_is_removed_is_told(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway, listening(gateway.session) as listener:
        job_id = (await gateway.run(flow.drive.folder_url(holiday(tree))))["job_id"]
        async with gateway.session.delete(f"/api/jobs/{job_id}") as answer:
            assert answer.status == 204
        await listener.until("job-removed", id=job_id)


async def test_deleted_images_are_told(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway, listening(gateway.session) as listener:
        await gateway.run(flow.drive.folder_url(holiday(tree)))
        first, second, _ = [image["id"] for image in await gateway.get("/images")]
        async with gateway.session.delete(f"/api/images/{first}") as answer:
            assert answer.status == 204
        assert (await listener.until("images-deleted")).data == {"ids": [first]}
        async with gateway.session.post("/api/images/delete", json={"ids": [second]}) as answer:
            assert answer.status == 200
        assert (await listener.until("images-deleted")).data == {"ids": [second]}


@pytest.mark.integration
async def test_a_gateway_that_starts_again_and_another_one_know_what_was_missed(tree: Tree, flow: Flow) -> None:
    url, other_url = flow.drive.folder_url(holiday(tree)), flow.drive.folder_url(tree.folder("Other"))
    async with served(anywhere(flow)) as gateway:
        async with listening(gateway.session) as listener:
            await gateway.run(url)
            last_id = await settled(listener)
        job_id = await gateway.begin(other_url)
        await gateway.ending(job_id)
    async with served(anywhere(flow)) as gateway, command(flow, "serve") as another:
        said = await another.says("http://")
        (url,) = (word for word in said.split() if word.startswith("http://"))
        async with aiohttp.ClientSession(url) as session:
            for one in (gateway.session, session):
                async with listening(one, last_id) as listener:
                    await listener.until("job", id=job_id, state="completed")
            async with listening(session) as listener:
                here = await gateway.begin(flow.drive.folder_url(holiday(tree)))
                await listener.until("job", id=here, state="completed")


async def test_a_gateway_that_stops_lets_go_of_those_who_watch(flow: Flow) -> None:
    async with AsyncExitStack() as client:
        async with served(anywhere(flow)) as gateway:
            session = await client.enter_async_context(aiohttp.ClientSession(gateway.url))
            listener = await client.enter_async_context(listening(session))
            begun_s = time.monotonic()
        assert await listener.next() is None
        assert time.monotonic() - begun_s < 15


@pytest.mark.integration
async def test_a_thousand_clients_that_do_not_read_hold_up_nobody(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway, listening(gateway.session) as listener:
        writers = [await slow(gateway) for _ in range(SLOW_CLIENTS)]
        job_id = await gateway.begin(flow.drive.folder_url(holiday(tree, files=200)))
        for _ in range(10):
            async with asyncio.timeout(HEALTH_WITHIN_S):
                assert (await gateway.get("/health"))["status"] == "healthy"
        await listener.until("job", id=job_id, state="completed")
        for writer in writers:
            writer.close()


async def slow(gateway: Served) -> asyncio.StreamWriter:
    """A client that asks and never reads."""
    reader, writer = await asyncio.open_connection(*gateway.address, limit=1)
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.read(1)
    return writer
