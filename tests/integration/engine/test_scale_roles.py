"""Roles apart over a broker: the gateway, the command that detaches, signs of life, and jobs that share workers."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from imageferry.cli.exit_codes import Exit
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.model import JobState
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.metric_values import readings
from tests.drivers.processes import command, environment_of
from tests.drivers.workers import LEASE_S, WINDOW, Crew
from tests.servers.brokers import broker, line
from tests.servers.ports import free_port

pytestmark = pytest.mark.integration

FILES = 300
LOOK_EVERY_S = 0.05
LONG_LEASE_S = 15


async def test_a_gateway_that_is_killed_leaves_a_job_that_ends_by_itself(tree: Tree, crew: Crew) -> None:
    async with crew.command("serve") as serving:
        url = (await serving.says("imageferry is at")).split("imageferry is at ")[1].split()[0]
        async with aiohttp.ClientSession(url) as session:
            await Served(session, url=url).begin(crew.flow.drive.folder_url(_album(tree)))
        serving.send(signal.SIGKILL)
        await serving.ended()

    # From here on only the worker's own sweeper looks after it.
    await crew.start(processes=2)
    await _ended(crew.flow)
    await crew.flow.holds_together(await crew.flow.job())


async def test_what_is_accepted_while_the_broker_is_down_runs_later(tree: Tree, crew: Crew) -> None:
    async with line(crew.broker.url) as cuttable:
        crew.flow.given["celery_broker_url"] = cuttable.url
        cutting = asyncio.create_task(cuttable.cut(3))
        async with served(anywhere(crew.flow)) as gateway:
            job_id = await gateway.begin(crew.flow.drive.folder_url(_album(tree)))
            assert (await gateway.get(f"/api/import/status/{job_id}"))["processed"] == 0
            await cutting
            await crew.start(processes=2)

            assert (await gateway.ending(job_id))["stored"] == FILES

    await crew.flow.holds_together(await crew.flow.job())


async def test_ctrl_c_detaches_and_the_job_goes_on_elsewhere(tree: Tree, crew: Crew) -> None:
    await crew.start(processes=2)
    crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.3, times=None))
    async with crew.command("import", crew.flow.drive.folder_url(_album(tree))) as importing:
        await crew.flow.downloads(FILES // 3)
        importing.send(signal.SIGINT)
        ended = await importing.ended()

    assert ended.code == Exit.INTERRUPTED
    assert "The workers go on without this command; the same command comes back to it." in ended.said
    assert (await crew.flow.job()).state is JobState.RUNNING
    await _ended(crew.flow)
    await crew.flow.holds_together(await crew.flow.job())


async def test_a_small_job_ends_in_seconds_while_a_large_one_is_under_way(tree: Tree, crew: Crew) -> None:
    for role in ("crawl", "transfer", "record"):
        await crew.start(role)
    crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1, times=None))
    large, small = tree.folder("Large"), tree.folder("Small")
    tree.numbered_files(large, 100_000, size_bytes=100)
    tree.numbered_files(small, 10, size_bytes=100)

    async with served(anywhere(crew.flow)) as gateway:
        await gateway.begin(crew.flow.drive.folder_url(large))
        await crew.flow.downloads(100)
        async with asyncio.timeout(60):
            assert (await gateway.run(crew.flow.drive.folder_url(small)))["stored"] == 10
        assert crew.broker.waiting(Role.TRANSFER) <= 2 * WINDOW


async def test_what_only_waits_in_a_queue_is_neither_lost_nor_sent_twice(tree: Tree, crew: Crew) -> None:
    await crew.start("crawl")
    importing = asyncio.create_task(crew.flow.run(_album(tree)))
    await asyncio.sleep(2.5 * LEASE_S)
    assert 0 < crew.broker.waiting(Role.TRANSFER) <= WINDOW

    await crew.start("transfer")
    await asyncio.sleep(2.5 * LEASE_S)
    assert crew.broker.waiting(Role.TRANSFER) == 0
    assert crew.broker.waiting(Role.RECORD) > 0

    await crew.start("record")
    await crew.flow.holds_together(await importing)
    assert set(crew.flow.drive.requests.downloads_by_file.values()) == {1}


async def test_a_worker_tells_what_its_children_did_those_that_died_too(tree: Tree, crew: Crew) -> None:
    # On a busy machine too nothing is done twice, which would be counted twice.
    crew.flow.limits = replace(crew.flow.limits, terms=replace(crew.flow.limits.terms, lease_ms=LONG_LEASE_S * 1000))
    port = free_port()
    worker = await crew.start(processes=2, IMAGEFERRY_HEALTH_PORT=str(port), IMAGEFERRY_LEASE=str(LONG_LEASE_S))
    first = await crew.flow.run(_album(tree))
    for child in worker.children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    root = tree.folder("Later")
    tree.file(root, "later.jpg", content=b"later")
    await crew.flow.run(root)

    while (told := await _metrics(port))["under_way", "transfer"]:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(LOOK_EVERY_S)
    assert told["files_total", "stored", ""] == first.job.stored + 1
    assert told["source_calls_total", "bytes", "ok"] == first.job.stored + 1
    assert told["queued", "transfer"] == 0


async def test_what_a_worker_logs_names_the_job_and_the_batch(tree: Tree, crew: Crew) -> None:
    worker = await crew.start(IMAGEFERRY_LOG_FORMAT="json")
    crew.flow.drive.faults.add(Fault(kind=Damage.FLIPPED_BIT, on=Operation.MEDIA, times=1))
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=b"picture")
    ending = await crew.flow.run(root)

    (corrupt,) = [json.loads(line) for line in worker.said.splitlines() if "file.corrupt" in line]
    assert corrupt["job_id"] == ending.job.id
    assert isinstance(corrupt["batch_id"], int)


async def test_every_role_tells_its_health(crew: Crew) -> None:
    services = {"crawl": "crawler", "transfer": "uploader", "record": "metadata-service"}
    for role, service in services.items():
        port = free_port()
        await crew.start(role, IMAGEFERRY_HEALTH_PORT=str(port))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/health") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "healthy", "service": service})
            async with session.get("/readyz") as answer:
                assert answer.status == 200
        async with crew.command("health", "--ready", "--port", str(port)) as asking:
            assert (await asking.ended()).code == Exit.DONE
    async with crew.command("health", "--port", str(free_port())) as asking:
        ended = await asking.ended()
    assert ended.code == Exit.OTHER
    assert "does not answer" in ended.said


async def test_a_worker_whom_the_broker_refuses_says_so_and_ends(flow: Flow) -> None:
    with broker("rabbitmq") as queues:
        url = urlsplit(queues.url)
        refused = url._replace(netloc=f"{url.username}:not-the-password@{url.hostname}:{url.port}").geturl()
        environment = environment_of(flow) | {"CELERY_BROKER_URL": refused}
        async with command(flow, "work", "--role", "transfer", "--processes", "1", environment=environment) as working:
            ended = await working.ended()
    assert ended.code == Exit.FATAL
    assert "check CELERY_BROKER_URL" in ended.said.splitlines()[-1]
    assert "not-the-password" not in ended.said


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(3):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // 3, size_bytes=1_000)
    return root


async def _ended(flow: Flow) -> None:
    while not (await flow.job()).state.terminal:  # noqa: ASYNC110 - another process does the work
        await asyncio.sleep(LOOK_EVERY_S)


async def _metrics(port: int) -> dict[tuple[str, ...], float]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return readings(await answer.text())
