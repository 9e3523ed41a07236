"""A file that hangs the process that transfers it, with the GIL held; and processes that are stopped."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals

import aiohttp
import pytest
from msgspec.structs import replace

from imageferry.catalog.database.tables import batches, job_folders
from imageferry.cli.exit_codes import ExitCode
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.errors import Reason
from tests.drivers.gateway_process import GatewayClient
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import Command, command, environment_of, transfer_processes_of
from tests.drivers.workers import WorkerGroup
from tests.integration.engine.planted_hang import CONTENT, PlantedHang
from tests.servers.ports import free_port

pytestmark = pytest.mark.integration

FILES = 60
POLL_INTERVAL_S = 0.05
HANG_S = "2"
LEASE_S = 10  # longer than a process may hang, as in production
# More than a process may take to end, and less than a hang takes: a test that reaches it has failed.
END_S_MAX = 60


@pytest.fixture
def hang(tmp_path: Path) -> PlantedHang:
    return PlantedHang(tmp_path / "hang")


async def test_only_the_file_that_hangs_its_process_fails_and_the_log_names_it(
    tree: Tree, flow: ImportFlow, hang: PlantedHang
) -> None:
    root = _album(tree, hanging=2)

    async with command(flow, "import", flow.drive.folder_url(root), environment=_environment(flow, hang)) as running:
        result = await running.wait()

    assert result.code == ExitCode.RETRYABLE, result.stderr
    failed = {row.file_id: row for row in (await flow.items(await flow.job())).values() if row.state == "failed"}
    assert {row.name: row.reason for row in failed.values()} == dict.fromkeys(["0.jpg", "1.jpg"], Reason.HUNG_WORKER)
    assert all(f"file_id={file_id}" in result.stderr for file_id in failed)
    assert len(hang.process_ids) <= 2 * len(failed)  # once among others, once alone
    await flow.assert_consistent(await flow.job())
    assert hang.living == []


@pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=str)
async def test_a_command_ends_within_seconds_although_its_process_hangs(
    tree: Tree, flow: ImportFlow, hang: PlantedHang, number: Signals
) -> None:
    async with _hanging_import(flow, tree, hang) as running:
        running.send(number)
        async with asyncio.timeout(END_S_MAX):
            result = await running.wait()

    assert result.code == ExitCode.INTERRUPTED
    assert hang.living == []
    assert not [row for table in (batches, job_folders) for row in await flow.rows(table) if row.state == "in_flight"]


async def test_a_process_that_hangs_ends_with_its_killed_command(
    tree: Tree, flow: ImportFlow, hang: PlantedHang
) -> None:
    async with _hanging_import(flow, tree, hang) as running:
        assert hang.living
        running.send(SIGKILL)
        await running.wait()
        async with asyncio.timeout(END_S_MAX):
            await hang.wait_until_ended()


async def test_a_gateway_with_a_hung_process_is_degraded_and_its_other_jobs_finish(
    tree: Tree, flow: ImportFlow, hang: PlantedHang
) -> None:
    other = tree.folder("Other")
    tree.numbered_files(other, FILES, size_bytes=1000)

    async with command(flow, "serve", environment=_environment(flow, hang)) as serving:
        line = await serving.wait_for_line("imageferry is running at")
        url = line.split("imageferry is running at ")[1].split()[0]
        async with aiohttp.ClientSession(url) as session:
            gateway = GatewayClient(session, url=url)
            job_ids = [await gateway.start_import(flow.drive.folder_url(root)) for root in (_album(tree), other)]
            while (await gateway.get("/readyz"))["status"] != "degraded":  # noqa: ASYNC110 - polled as a probe does
                await asyncio.sleep(POLL_INTERVAL_S)
            finished = [await gateway.wait_until_finished(job_id) for job_id in job_ids]
            assert (await gateway.get("/readyz"))["status"] == "healthy"
        serving.send(SIGTERM)
        result = await serving.wait()

    assert [(status["stored"], status["failed"]) for status in finished] == [(FILES, 1), (FILES, 0)]
    assert result.code == ExitCode.SUCCESS


async def test_a_transfer_process_that_is_stopped_is_replaced_and_no_file_fails(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1000)
    flow.drive.faults.add(Fault(kind=Damage.STALL, file="IMG_0000007.jpg", seconds=1, times=1))
    environment = environment_of(flow) | {"IMAGEFERRY_HANG_SECONDS": HANG_S}

    async with command(flow, "import", flow.drive.folder_url(root), environment=environment) as running:
        await flow.wait_for_downloads(FILES)
        for process_id in transfer_processes_of(running.process_id):
            os.kill(process_id, SIGSTOP)
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert "transfer_process.hung" in result.stderr
    await flow.assert_consistent(await flow.job())


# Workers, over each broker.


async def test_only_the_file_that_hangs_a_worker_process_fails_and_the_log_names_it(
    tree: Tree, workers: WorkerGroup, hang: PlantedHang
) -> None:
    lease_policy = replace(workers.flow.limits.lease_policy, lease_ms=1000 * LEASE_S)
    workers.flow.limits = replace(workers.flow.limits, lease_policy=lease_policy)
    workers.environment |= {
        **hang.environment,
        "IMAGEFERRY_HANG_SECONDS": HANG_S,
        "IMAGEFERRY_LEASE_SECONDS": str(LEASE_S),
    }
    port = free_port()
    worker = await workers.start(processes=2, IMAGEFERRY_HEALTH_PORT=str(port))
    other = tree.folder("Other")
    tree.numbered_files(other, FILES, size_bytes=1000)

    importing = asyncio.gather(*(workers.flow.run(root) for root in (_album(tree), other)))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        while await _readiness(session) != "degraded":
            assert not importing.done()
            await asyncio.sleep(POLL_INTERVAL_S)
        results = await importing
        while await _readiness(session) != "ready":  # noqa: ASYNC110 - the process is being replaced
            await asyncio.sleep(POLL_INTERVAL_S)

    assert [(result.job.stored, result.failures) for result in results] == [
        (FILES, {Reason.HUNG_WORKER: 1}),
        (FILES, {}),
    ]
    assert len(hang.process_ids) == 2  # once among others, once alone
    (failed,) = [row for row in (await workers.flow.items(results[0].job)).values() if row.state == "failed"]
    assert f"file_id={failed.file_id}" in worker.log_text
    await workers.flow.assert_store_matches_catalog()
    assert workers.broker.queue_length(Role.TRANSFER) == 0


@pytest.mark.parametrize("number", [SIGTERM, SIGKILL], ids=str)
async def test_a_worker_ends_within_seconds_although_its_process_hangs(
    tree: Tree, workers: WorkerGroup, hang: PlantedHang, number: Signals
) -> None:
    workers.environment |= {**hang.environment, "IMAGEFERRY_HANG_SECONDS": "600"}
    worker = await workers.start(processes=2)
    async with workers.command("import", workers.flow.drive.folder_url(_album(tree))):
        await hang.wait()
        os.kill(worker.process_id, number)
        async with asyncio.timeout(END_S_MAX):
            await worker.wait()
            await hang.wait_until_ended()


async def test_a_worker_process_that_is_stopped_is_replaced_and_no_file_fails(tree: Tree, workers: WorkerGroup) -> None:
    workers.flow.drive.faults.add(Fault(kind=Damage.STALL, file="IMG_0000007.jpg", seconds=1, times=1))
    worker = await workers.start(IMAGEFERRY_HANG_SECONDS=HANG_S)
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1000)
    importing = asyncio.create_task(workers.flow.run(root))
    await workers.flow.wait_for_downloads(FILES, during=importing)
    for process_id in worker.children():
        os.kill(process_id, SIGSTOP)

    result = await importing

    assert (result.job.stored, result.failures) == (FILES, {})
    assert "worker_process.hung" in worker.log_text


def _album(tree: Tree, *, hanging: int = 1) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1000)
    for number in range(hanging):
        tree.file(root, f"{number}.jpg", content=CONTENT)
    return root


async def _readiness(session: aiohttp.ClientSession) -> str:
    async with session.get("/readyz") as response:
        return str((await response.json())["status"])


def _environment(flow: ImportFlow, hang: PlantedHang, *, hang_s: str = HANG_S) -> Mapping[str, str]:
    return {**environment_of(flow), **hang.environment, "IMAGEFERRY_HANG_SECONDS": hang_s}


@asynccontextmanager
async def _hanging_import(flow: ImportFlow, tree: Tree, hang: PlantedHang) -> AsyncIterator[Command]:
    """Run a command whose transfer process hangs, and is not replaced for longer than a test takes."""
    environment = _environment(flow, hang, hang_s="600")
    async with command(flow, "import", flow.drive.folder_url(_album(tree)), environment=environment) as running:
        await hang.wait()
        yield running
