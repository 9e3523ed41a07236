"""Commands that are killed, interrupted and run twice, as real processes."""

import asyncio
import os
import random
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import pytest
from sqlalchemy import Table, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, items, job_folders, jobs
from imageferry.catalog.ledger.bulk_steps import ROWS_PER_STEP
from imageferry.cli.exit_codes import ExitCode
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import Reason
from imageferry.model import ItemState, Job, JobState
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import Command, command, environment_of, is_transfer_process, transfer_processes_of

pytestmark = pytest.mark.integration

FILES = 400
CONCURRENCY = 8
LARGE_BYTES = 9 << 20
DAY_MS = 86_400_000
# Slows each download, so that the command is still busy when something happens to it.
SLOW = Fault(kind=Damage.SLOW, seconds=0.02)


async def test_a_command_that_is_killed_repeatedly_loses_nothing_and_transfers_few_files_twice(
    tree: Tree, flow: ImportFlow, rng: random.Random
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    kills_at = sorted(rng.sample(range(FILES - 10 * CONCURRENCY), 4))

    for downloads in (0, *kills_at):
        async with _import(flow, root) as running:
            await flow.wait_for_downloads(downloads)
            running.send(SIGKILL)
            assert (await running.wait()).code == -SIGKILL
    async with _import(flow, root) as running:
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    repeated_downloads = flow.drive.requests.count(Operation.MEDIA) - FILES - 1
    assert repeated_downloads <= CONCURRENCY * (len(kills_at) + 1)
    await flow.assert_consistent(await flow.job())


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.4, 0.6])
async def test_a_command_that_is_killed_at_its_start_does_not_hinder_the_next(
    tree: Tree, flow: ImportFlow, after_s: float
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 3, size_bytes=1000)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root) as running:
        await asyncio.sleep(after_s)
        running.send(SIGKILL)
        await running.wait()
    flow.drive.faults.clear()
    async with _import(flow, root) as running:
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    await flow.assert_consistent(await flow.job())


async def test_a_large_retry_continues_in_another_process_than_it_was_started_in(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    number = ROWS_PER_STEP + 100
    tree.numbered_files(root, number, size_bytes=100)
    job = (await flow.run(root)).job

    def fail(tx: Tx) -> None:
        tx.execute(update(items).values(state=ItemState.FAILED, reason=Reason.CRASHED_WORKER))
        tx.execute(update(jobs).values(failed=number, stored=0, bytes_stored=0))

    catalog = Catalog(flow.settings.catalog_url)
    await catalog.write(fail)
    await catalog.close()
    flow.progress.clear()
    async with command(flow, "retry", job.id, "--detach") as retrying:
        assert (await retrying.wait()).code == ExitCode.SUCCESS
    started = await flow.job()
    assert (started.state, started.failed) == (JobState.RUNNING, 100)
    async with _import(flow, root) as running:
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert (await flow.job()).stored == number
    await flow.assert_consistent(await flow.job())


@pytest.mark.parametrize("discard", [False, True], ids=["kept", "discarded"])
async def test_files_stored_by_a_killed_command_are_recorded_or_deleted_once_the_job_is_cancelled(
    tree: Tree, flow: ImportFlow, *, discard: bool
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        await flow.wait_for_downloads(FILES // 4)
        running.send(SIGKILL)
        await running.wait()
    stored = len(flow.objects())
    async with command(flow, "cancel", (await flow.job()).id, *(["--discard"] if discard else [])) as cancelling:
        result = await cancelling.wait()

    job = await flow.job()
    assert result.code == ExitCode.SUCCESS, result.stderr
    assert stored > 0
    assert (job.state, job.stored) == (JobState.CANCELLED, 0 if discard else stored)
    await flow.assert_consistent(job)


async def test_a_transfer_process_that_is_killed_repeatedly_loses_only_the_files_in_progress(
    tree: Tree, flow: ImportFlow
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        for downloads in (1, FILES // 3, FILES // 2):
            await flow.wait_for_downloads(downloads)
            os.kill(await _transfer_process(running), SIGTERM)  # ignored: the command stops it
            os.kill(await _transfer_process(running), SIGKILL)
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + 3 * CONCURRENCY
    await flow.assert_consistent(await flow.job())


async def test_a_transfer_process_ends_when_its_command_is_killed(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root) as running:
        await flow.wait_for_downloads(1)
        process = await _transfer_process(running)
        running.send(SIGKILL)
        await running.wait()
    while is_transfer_process(process):  # noqa: ASYNC110 - it is not a child of this process
        await asyncio.sleep(0.01)


async def test_a_killed_transfer_process_does_not_affect_the_files_of_the_others(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root, transfer_processes=2) as running:
        await flow.wait_for_downloads(FILES // 3)
        first, second = transfer_processes_of(running.process_id)
        os.kill(first, SIGKILL)
        await flow.wait_for_downloads(FILES // 2)
        assert second in transfer_processes_of(running.process_id)
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + CONCURRENCY // 2
    await flow.assert_consistent(await flow.job())


async def test_all_transfer_processes_end_when_their_command_is_killed(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root, transfer_processes=3) as running:
        await flow.wait_for_downloads(1)
        processes = transfer_processes_of(running.process_id)
        assert len(processes) == 3
        running.send(SIGKILL)
        await running.wait()
    while any(map(is_transfer_process, processes)):  # noqa: ASYNC110 - they are not children of this process
        await asyncio.sleep(0.01)


async def test_serve_finishes_the_job_of_a_killed_command(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    async with _import(flow, root) as running:
        await flow.wait_for_downloads(FILES // 3)
        running.send(SIGKILL)
        await running.wait()

    async with command(flow, "serve") as serving:
        await serving.wait_for_line("imageferry is running at")
        job = await _wait_until_finished(flow)
        serving.send(SIGTERM)
        result = await serving.wait()

    assert (job.state, job.stored) == (JobState.COMPLETED, FILES + 1)
    assert result.code == ExitCode.SUCCESS
    await flow.assert_consistent(job)


async def test_the_partial_upload_of_a_killed_command_is_removed(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=20 << 20, name="large.jpg")
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=5, times=1))

    async with _import(flow, root) as running:
        while not _staged_files(flow):  # noqa: ASYNC110 - another process writes the file
            await asyncio.sleep(0.01)
        running.send(SIGKILL)
        await running.wait()
    assert len(_staged_files(flow)) == 1
    async with _import(flow, root) as running:
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert _staged_files(flow) == []
    await flow.assert_consistent(await flow.job())


@pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=str)
async def test_an_interrupted_command_requeues_its_work_and_the_next_command_continues(
    tree: Tree, flow: ImportFlow, number: Signals
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        await flow.wait_for_downloads(FILES // 3)
        running.send(number)
        interrupted = await running.wait()
    leases = [row for table in (batches, job_folders) for row in await flow.rows(table) if row.state == "in_flight"]
    await flow.assert_store_matches_catalog()
    async with _import(flow, root) as running:
        result = await running.wait()

    assert interrupted.code == ExitCode.INTERRUPTED
    assert "Run the same command again to continue" in interrupted.stderr
    assert "Traceback" not in interrupted.stderr
    assert leases == []
    assert result.code == ExitCode.SUCCESS, result.stderr
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(await flow.job())


@pytest.mark.parametrize("name", ["large.jpg", "IMG_0000007.jpg"])
async def test_a_command_that_is_interrupted_while_the_source_hangs_ends_cleanly(
    tree: Tree, flow: ImportFlow, name: str
) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, file=name, seconds=60))

    async with _import(flow, root) as running:
        await flow.wait_for_downloads(FILES + 1)
        running.send(SIGINT)
        interrupted = await running.wait()

    assert interrupted.code == ExitCode.INTERRUPTED
    assert "Traceback" not in interrupted.stderr
    await flow.assert_store_matches_catalog()


# Two commands for one folder.


async def test_two_commands_for_one_folder_share_one_job_and_no_file_is_transferred_twice(
    tree: Tree, flow: ImportFlow
) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, seconds=1))

    async with _import(flow, root) as one, _import(flow, root) as other:
        lines = await asyncio.gather(one.wait_for_line("“Root”"), other.wait_for_line("“Root”"))
        flow.drive.faults.clear()
        results = await asyncio.gather(one.wait(), other.wait())

    assert [result.code for result in results] == [ExitCode.SUCCESS, ExitCode.SUCCESS], results
    assert {line.split(" ", 1)[0] for line in lines} == {"Importing", "Resuming"}
    assert len(await flow.rows(jobs)) == 1
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(await flow.job())


async def test_a_command_takes_over_the_job_when_the_one_it_followed_is_killed(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, seconds=1))

    async with _import(flow, root) as one:
        await flow.wait_for_downloads(1)
        async with _import(flow, root) as other:
            await other.wait_for_line("Resuming the import")
            one.send(SIGKILL)
            await one.wait()
            flow.drive.faults.clear()
            result = await other.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + CONCURRENCY
    await flow.assert_consistent(await flow.job())


async def test_an_import_while_serve_runs_is_followed_until_it_finishes(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)

    async with command(flow, "serve") as serving:
        await serving.wait_for_line("imageferry is running at")
        async with _import(flow, root) as running:
            result = await running.wait()
        serving.send(SIGTERM)
        served = await serving.wait()

    assert (result.code, served.code) == (ExitCode.SUCCESS, ExitCode.SUCCESS)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(await flow.job())


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS], ids=["back by a day", "forward by a day"])
async def test_a_clock_that_jumped_delays_nothing(tree: Tree, flow: ImportFlow, jump_ms: int) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    async with _import(flow, root) as running:
        await flow.wait_for_downloads(FILES // 3)
        running.send(SIGKILL)
        await running.wait()
    for table in (jobs, batches, job_folders):
        await _shift_times(flow, table, jump_ms)

    async with _import(flow, root) as running:
        result = await running.wait()

    assert result.code == ExitCode.SUCCESS, result.stderr
    await flow.assert_consistent(await flow.job())


async def _transfer_process(running: Command) -> int:
    """Return the id of a command's transfer process, once it runs."""
    while not (processes := transfer_processes_of(running.process_id)):  # noqa: ASYNC110 - another process starts it
        await asyncio.sleep(0.01)
    return processes[0]


def _staged_files(flow: ImportFlow) -> list[Path]:
    """Return the files that the store is writing and has not renamed yet."""
    return list((flow.home / "store").rglob("*.jpg#*"))


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=20_000)
    tree.numbered_files(tree.folder("Large", parent=root), 1, size_bytes=LARGE_BYTES, name="large.jpg")
    return root


def _import(flow: ImportFlow, root: Node, *, transfer_processes: int = 1) -> AbstractAsyncContextManager[Command]:
    environment = environment_of(flow) | {"IMAGEFERRY_TRANSFER_PROCESSES": str(transfer_processes)}
    arguments = ("import", flow.drive.folder_url(root), "--concurrency", str(CONCURRENCY))
    return command(flow, *arguments, environment=environment)


async def _wait_until_finished(flow: ImportFlow) -> Job:
    while not (job := await flow.job()).state.is_terminal:  # noqa: ASYNC110 - another process ends it
        await asyncio.sleep(0.1)
    return job


# The columns that say when a row of the ledger is due.
TIME_COLUMNS = {"probe_at_ms", "available_at_ms", "lease_until_ms"}


async def _shift_times(flow: ImportFlow, table: Table, by_ms: int) -> None:
    catalog = Catalog(flow.settings.catalog_url)
    try:
        shifted = {column.name: column + by_ms for column in table.c if column.name in TIME_COLUMNS}
        await catalog.write(lambda tx: tx.execute(update(table).values(shifted)))
    finally:
        await catalog.close()
