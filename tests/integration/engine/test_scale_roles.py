"""Separate roles over a broker: the gateway, detaching commands, health, metrics, and jobs that share workers."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from imageferry.cli.exit_codes import ExitCode
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.errors import Reason
from imageferry.model import JobState
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.metric_values import parse_metrics
from tests.drivers.processes import command, environment_of
from tests.drivers.workers import BATCHES_IN_FLIGHT, LEASE_S, WorkerGroup
from tests.servers.brokers import cuttable_proxy, open_broker
from tests.servers.ports import free_port

pytestmark = pytest.mark.integration

FILES = 300
POLL_INTERVAL_S = 0.05
LONG_LEASE_S = 15


async def test_workers_finish_the_job_of_a_killed_gateway(tree: Tree, workers: WorkerGroup) -> None:
    async with workers.command("serve") as serving:
        url = (await serving.wait_for_line("imageferry is running at")).split("imageferry is running at ")[1].split()[0]
        async with aiohttp.ClientSession(url) as session:
            await GatewayClient(session, url=url).start_import(workers.flow.drive.folder_url(_album(tree)))
        serving.send(signal.SIGKILL)
        await serving.wait()

    # From here on only the worker's own sweep loop runs the job.
    await workers.start(processes=2)
    await _wait_until_finished(workers.flow)
    await workers.flow.assert_consistent(await workers.flow.job())


async def test_a_job_accepted_while_the_broker_is_down_runs_later(tree: Tree, workers: WorkerGroup) -> None:
    async with cuttable_proxy(workers.broker.url) as proxy:
        workers.flow.setting_overrides["celery_broker_url"] = proxy.url
        outage = asyncio.create_task(proxy.cut(3))
        async with running_gateway(on_free_port(workers.flow)) as gateway:
            job_id = await gateway.start_import(workers.flow.drive.folder_url(_album(tree)))
            assert (await gateway.get(f"/api/import/status/{job_id}"))["processed"] == 0
            await outage
            await workers.start(processes=2)

            assert (await gateway.wait_until_finished(job_id))["stored"] == FILES

    await workers.flow.assert_consistent(await workers.flow.job())


async def test_a_job_that_no_worker_can_serve_says_so_and_continues_once_one_can(
    tree: Tree, workers: WorkerGroup
) -> None:
    lease_policy = replace(workers.flow.limits.lease_policy, unserved_after_ms=500)
    workers.flow.limits = replace(workers.flow.limits, lease_policy=lease_policy)
    await workers.start("crawl")
    sentence = "No worker serves transfer,record. Start one: imageferry work --role transfer,record"

    job = (await workers.flow.run(_album(tree))).job
    assert (job.state, job.reason, job.detail) == (JobState.WAITING, Reason.NO_WORKER, sentence)
    async with workers.command("doctor") as checking:
        result = await checking.wait()
    assert result.code == ExitCode.FATAL
    assert f"✗ workers  {sentence}" in result.stderr

    async with running_gateway(on_free_port(workers.flow)) as gateway:
        await workers.start("transfer,record")
        assert (await gateway.wait_until_finished(job.id))["stored"] == FILES
        async with gateway.session.get("/metrics") as response:
            values = parse_metrics(await response.text())
    assert {role: values["workers", role] for role in Role} == dict.fromkeys(Role, 1)
    async with workers.command("doctor") as checking:
        assert "✓ workers  1 serve crawl, 1 serve transfer, 1 serve record" in (await checking.wait()).stderr


async def test_ctrl_c_detaches_and_the_workers_continue(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start(processes=2)
    workers.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.3, times=None))
    async with workers.command("import", workers.flow.drive.folder_url(_album(tree))) as importing:
        await workers.flow.wait_for_downloads(FILES // 3)
        importing.send(signal.SIGINT)
        result = await importing.wait()

    assert result.code == ExitCode.INTERRUPTED
    assert "The import continues in the background." in result.stderr
    assert (await workers.flow.job()).state is JobState.RUNNING
    await _wait_until_finished(workers.flow)
    await workers.flow.assert_consistent(await workers.flow.job())


async def test_a_small_job_finishes_while_a_large_one_runs(tree: Tree, workers: WorkerGroup) -> None:
    for role in ("crawl", "transfer", "record"):
        await workers.start(role)
    workers.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1, times=None))
    large, small = tree.folder("Large"), tree.folder("Small")
    tree.numbered_files(large, 100_000, size_bytes=100)
    tree.numbered_files(small, 10, size_bytes=100)

    async with running_gateway(on_free_port(workers.flow)) as gateway:
        large_job_id = await gateway.start_import(workers.flow.drive.folder_url(large))
        await workers.flow.wait_for_downloads(100)
        assert (await gateway.import_folder(workers.flow.drive.folder_url(small)))["stored"] == 10
        assert (await gateway.get(f"/api/jobs/{large_job_id}"))["state"] == "running"
        assert workers.broker.queue_length(Role.TRANSFER) <= 2 * BATCHES_IN_FLIGHT


async def test_a_message_waiting_in_a_queue_is_neither_lost_nor_sent_twice(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start("crawl")
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    await asyncio.sleep(2.5 * LEASE_S)
    assert 0 < workers.broker.queue_length(Role.TRANSFER) <= BATCHES_IN_FLIGHT

    await workers.start("transfer")
    await asyncio.sleep(2.5 * LEASE_S)
    assert workers.broker.queue_length(Role.TRANSFER) == 0
    assert workers.broker.queue_length(Role.RECORD) > 0

    await workers.start("record")
    await workers.flow.assert_consistent(await importing)
    assert set(workers.flow.drive.requests.downloads_by_file.values()) == {1}


async def test_a_workers_metrics_include_its_dead_processes(tree: Tree, workers: WorkerGroup) -> None:
    # A long lease: on a busy machine, a lease could expire, and work that is done twice is counted twice.
    workers.flow.limits = replace(
        workers.flow.limits, lease_policy=replace(workers.flow.limits.lease_policy, lease_ms=LONG_LEASE_S * 1000)
    )
    port = free_port()
    worker = await workers.start(
        processes=2, IMAGEFERRY_HEALTH_PORT=str(port), IMAGEFERRY_LEASE_SECONDS=str(LONG_LEASE_S)
    )
    first = await workers.flow.run(_album(tree))
    for child in worker.children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    root = tree.folder("Later")
    tree.file(root, "later.jpg", content=b"later")
    await workers.flow.run(root)

    while (values := await _metrics(port))["messages_in_progress", "transfer"]:  # noqa: ASYNC110 - a metric has no event
        await asyncio.sleep(POLL_INTERVAL_S)
    assert values["files_total", "stored", ""] == first.job.stored + 1
    assert values["source_calls_total", "bytes", "ok"] == first.job.stored + 1
    assert values["queue_messages", "transfer"] == 0


async def test_a_workers_log_events_have_the_job_and_the_batch(tree: Tree, workers: WorkerGroup) -> None:
    worker = await workers.start(IMAGEFERRY_LOG_FORMAT="json")
    workers.flow.drive.faults.add(Fault(kind=Damage.FLIPPED_BIT, on=Operation.MEDIA, times=1))
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=b"picture")
    result = await workers.flow.run(root)

    (corrupt,) = [json.loads(line) for line in worker.log_text.splitlines() if "file.corrupt" in line]
    assert corrupt["job_id"] == result.job.id
    assert isinstance(corrupt["batch_id"], int)


async def test_every_role_serves_its_health(workers: WorkerGroup) -> None:
    services = {"crawl": "crawler", "transfer": "uploader", "record": "metadata-service"}
    for role, service in services.items():
        port = free_port()
        await workers.start(role, IMAGEFERRY_HEALTH_PORT=str(port))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/health") as response:
                assert (response.status, await response.json()) == (200, {"status": "healthy", "service": service})
            async with session.get("/readyz") as response:
                assert response.status == 200
        async with workers.command("health", "--ready", "--port", str(port)) as checking:
            assert (await checking.wait()).code == ExitCode.SUCCESS
    async with workers.command("health", "--port", str(free_port())) as checking:
        result = await checking.wait()
    assert result.code == ExitCode.FAILURE
    assert "can't be reached" in result.stderr


async def test_a_worker_refused_by_the_broker_reports_it_and_exits(flow: ImportFlow) -> None:
    with open_broker("rabbitmq") as broker:
        url = urlsplit(broker.url)
        refused_url = url._replace(netloc=f"{url.username}:not-the-password@{url.hostname}:{url.port}").geturl()
        environment = environment_of(flow) | {"CELERY_BROKER_URL": refused_url}
        async with command(flow, "work", "--role", "transfer", "--processes", "1", environment=environment) as working:
            result = await working.wait()
    assert result.code == ExitCode.FATAL
    assert "Check CELERY_BROKER_URL" in result.stderr.splitlines()[-1]
    assert "not-the-password" not in result.stderr


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(3):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // 3, size_bytes=1_000)
    return root


async def _wait_until_finished(flow: ImportFlow) -> None:
    while not (await flow.job()).state.is_terminal:  # noqa: ASYNC110 - another process does the work
        await asyncio.sleep(POLL_INTERVAL_S)


async def _metrics(port: int) -> dict[tuple[str, ...], float]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        return parse_metrics(await response.text())
