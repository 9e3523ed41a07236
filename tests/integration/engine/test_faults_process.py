"""Processes that are killed, stopped and started twice, as real processes."""

import asyncio
import os
import random
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import pytest
from sqlalchemy import Table, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, folders, items, jobs
from imageferry.catalog.ledger.bulk_steps import ROWS_A_STEP
from imageferry.cli.exit_codes import Exit
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.engine.transfer_process.worker import PROCESS_NAME
from imageferry.errors import Reason
from imageferry.model import ItemState, Job, JobState
from tests.drivers.import_flow import Flow
from tests.drivers.processes import Command, command, environment_of

pytestmark = pytest.mark.integration

FILES = 400
AT_ONCE = 8
LARGE_BYTES = 9 << 20
DAY_MS = 86_400_000
# Of each download, where a command is to be at work still when something happens to it.
SLOW = Fault(kind=Damage.SLOW, seconds=0.02)


async def test_a_command_that_is_killed_again_and_again_loses_nothing_and_moves_little_twice(
    tree: Tree, flow: Flow
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    kills_at = sorted(random.sample(range(FILES - 10 * AT_ONCE), 4))

    for downloads in (0, *kills_at):
        async with _import(flow, root) as running:
            await flow.downloads(downloads)
            running.send(SIGKILL)
            assert (await running.ended()).code == -SIGKILL
    async with _import(flow, root) as running:
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    downloads_twice = flow.drive.requests.count(Operation.MEDIA) - FILES - 1
    assert downloads_twice <= AT_ONCE * (len(kills_at) + 1)
    await flow.holds_together(await flow.job())


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.4, 0.6])
async def test_a_command_that_is_killed_before_it_did_anything_leaves_nothing_in_the_way(
    tree: Tree, flow: Flow, after_s: float
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 3, size_bytes=1000)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root) as running:
        await asyncio.sleep(after_s)
        running.send(SIGKILL)
        await running.ended()
    flow.drive.faults.clear()
    async with _import(flow, root) as running:
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    await flow.holds_together(await flow.job())


async def test_a_large_retry_goes_on_in_another_process_than_it_was_begun_in(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    number = ROWS_A_STEP + 100
    tree.numbered_files(root, number, size_bytes=100)
    job = (await flow.run(root)).job

    def fail(tx: Tx) -> None:
        tx.execute(update(items).values(state=ItemState.FAILED, reason=Reason.POISON))
        tx.execute(update(jobs).values(failed=number, stored=0, bytes_stored=0))

    catalog = Catalog(flow.settings.catalog_url)
    await catalog.write(fail)
    await catalog.close()
    flow.seen.clear()
    async with command(flow, "retry", job.id, "--detach") as retrying:
        assert (await retrying.ended()).code == Exit.DONE
    begun = await flow.job()
    assert (begun.state, begun.failed) == (JobState.RUNNING, 100)
    async with _import(flow, root) as running:
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    assert (await flow.job()).stored == number
    await flow.holds_together(await flow.job())


@pytest.mark.parametrize("discard", [False, True], ids=["kept", "discarded"])
async def test_what_a_killed_command_had_stored_has_its_record_or_is_gone_once_the_job_is_cancelled(
    tree: Tree, flow: Flow, *, discard: bool
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        await flow.downloads(FILES // 4)
        running.send(SIGKILL)
        await running.ended()
    stood = len(flow.objects())
    async with command(flow, "cancel", (await flow.job()).id, *(["--discard"] if discard else [])) as cancelling:
        ended = await cancelling.ended()

    job = await flow.job()
    assert ended.code == Exit.DONE, ended.said
    assert stood > 0
    assert (job.state, job.stored) == (JobState.CANCELLED, 0 if discard else stood)
    await flow.holds_together(job)


async def test_a_mover_that_is_killed_again_and_again_takes_nothing_along_but_the_files_it_was_at(
    tree: Tree, flow: Flow
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        for downloads in (1, FILES // 3, FILES // 2):
            await flow.downloads(downloads)
            os.kill(await _mover(running), SIGTERM)  # it leaves that to the command
            os.kill(await _mover(running), SIGKILL)
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + 3 * AT_ONCE
    await flow.holds_together(await flow.job())


async def test_a_mover_ends_with_its_command_however_that_ends(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root) as running:
        await flow.downloads(1)
        mover = await _mover(running)
        running.send(SIGKILL)
        await running.ended()
    async with asyncio.timeout(60):
        while _is_mover(mover):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_movers_share_the_files_and_one_that_is_killed_takes_none_of_the_others_along(
    tree: Tree, flow: Flow
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root, movers=2) as running:
        await flow.downloads(FILES // 3)
        first, second = _movers_of(running.process_id)
        os.kill(first, SIGKILL)
        await flow.downloads(FILES // 2)
        assert second in _movers_of(running.process_id)
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + AT_ONCE // 2
    await flow.holds_together(await flow.job())


async def test_movers_end_with_their_command_however_that_ends(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=60))

    async with _import(flow, root, movers=3) as running:
        await flow.downloads(1)
        movers = _movers_of(running.process_id)
        assert len(movers) == 3
        running.send(SIGKILL)
        await running.ended()
    async with asyncio.timeout(30):
        while any(map(_is_mover, movers)):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.01)


async def test_what_a_killed_command_left_is_finished_by_serve_unaided(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    async with _import(flow, root) as running:
        await flow.downloads(FILES // 3)
        running.send(SIGKILL)
        await running.ended()

    async with command(flow, "serve") as serving:
        await serving.says("imageferry is at")
        job = await _terminal(flow)
        serving.send(SIGTERM)
        ended = await serving.ended()

    assert (job.state, job.stored) == (JobState.COMPLETED, FILES + 1)
    assert ended.code == Exit.DONE
    await flow.holds_together(job)


async def test_a_command_that_is_killed_in_the_middle_of_a_large_file_leaves_no_half_of_it(
    tree: Tree, flow: Flow
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=20 << 20, name="large.jpg")
    flow.drive.faults.add(Fault(kind=Damage.STALL, seconds=5, times=1))

    async with _import(flow, root) as running:
        async with asyncio.timeout(60):
            while not _staged(flow):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)
        running.send(SIGKILL)
        await running.ended()
    assert len(_staged(flow)) == 1
    async with _import(flow, root) as running:
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    assert _staged(flow) == []
    await flow.holds_together(await flow.job())


@pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=str)
async def test_a_command_that_is_interrupted_gives_back_its_work_and_the_same_command_goes_on(
    tree: Tree, flow: Flow, number: Signals
) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)

    async with _import(flow, root) as running:
        await flow.downloads(FILES // 3)
        running.send(number)
        interrupted = await running.ended()
    leases = [row for table in (batches, folders) for row in await flow.rows(table) if row.state == "in_flight"]
    await flow.store_is_the_catalogs()
    async with _import(flow, root) as running:
        ended = await running.ended()

    assert interrupted.code == Exit.INTERRUPTED
    assert "The same command goes on from here" in interrupted.said
    assert "Traceback" not in interrupted.said
    assert leases == []
    assert ended.code == Exit.DONE, ended.said
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(await flow.job())


@pytest.mark.parametrize("name", ["large.jpg", "IMG_0000007.jpg"])
async def test_a_command_that_is_interrupted_while_the_source_hangs_ends_soon_and_cleanly(
    tree: Tree, flow: Flow, name: str
) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.STALL, file=name, seconds=60))

    async with _import(flow, root) as running:
        await flow.downloads(FILES + 1)
        sent_at_s = time.monotonic()
        running.send(SIGINT)
        interrupted = await running.ended()
        took_s = time.monotonic() - sent_at_s

    assert interrupted.code == Exit.INTERRUPTED
    assert "Traceback" not in interrupted.said
    assert took_s < 40
    await flow.store_is_the_catalogs()


# Two at once.


async def test_two_commands_for_one_folder_share_one_job_and_no_file_is_moved_twice(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, seconds=1))

    async with _import(flow, root) as one, _import(flow, root) as other:
        said = await asyncio.gather(one.says("“Root”"), other.says("“Root”"))
        flow.drive.faults.clear()
        ends = await asyncio.gather(one.ended(), other.ended())

    assert [ended.code for ended in ends] == [Exit.DONE, Exit.DONE], ends
    assert {line.split(" ", 1)[0] for line in said} == {"Importing", "Going"}
    assert len(await flow.rows(jobs)) == 1
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(await flow.job())


async def test_a_command_that_outlives_the_one_it_followed_finishes_the_job(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, seconds=1))

    async with _import(flow, root) as one:
        await flow.downloads(1)
        async with _import(flow, root) as other:
            await other.says("Going on with")
            one.send(SIGKILL)
            await one.ended()
            flow.drive.faults.clear()
            ended = await other.ended()

    assert ended.code == Exit.DONE, ended.said
    assert flow.drive.requests.count(Operation.MEDIA) <= FILES + 1 + AT_ONCE
    await flow.holds_together(await flow.job())


async def test_an_import_while_serve_runs_is_followed_to_its_end(tree: Tree, flow: Flow) -> None:
    root = _album(tree)

    async with command(flow, "serve") as serving:
        await serving.says("imageferry is at")
        async with _import(flow, root) as running:
            ended = await running.ended()
        serving.send(SIGTERM)
        served = await serving.ended()

    assert (ended.code, served.code) == (Exit.DONE, Exit.DONE)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(await flow.job())


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS], ids=["set back by a day", "put on by a day"])
async def test_a_clock_that_jumped_holds_nothing_up(tree: Tree, flow: Flow, jump_ms: int) -> None:
    root = _album(tree)
    flow.drive.faults.add(SLOW)
    async with _import(flow, root) as running:
        await flow.downloads(FILES // 3)
        running.send(SIGKILL)
        await running.ended()
    for table in (jobs, batches, folders):
        await _shift(flow, table, jump_ms)

    async with _import(flow, root) as running:
        ended = await running.ended()

    assert ended.code == Exit.DONE, ended.said
    await flow.holds_together(await flow.job())


async def _mover(running: Command) -> int:
    """The process that moves the bytes for a command, once it is there."""
    async with asyncio.timeout(60):
        while not (movers := _movers_of(running.process_id)):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    return movers[0]


def _movers_of(process_id: int) -> list[int]:
    told = (children.read_text() for children in Path(f"/proc/{process_id}/task").glob("*/children"))
    return [int(child) for children in told for child in children.split() if _is_mover(int(child))]


def _is_mover(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/comm").read_bytes().strip() == PROCESS_NAME
    except FileNotFoundError:
        return False


def _staged(flow: Flow) -> list[Path]:
    """Files that the store has begun, and not yet given their names."""
    return list((flow.home / "store").rglob("*.jpg#*"))


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=20_000)
    tree.numbered_files(tree.folder("Large", parent=root), 1, size_bytes=LARGE_BYTES, name="large.jpg")
    return root


def _import(flow: Flow, root: Node, *, movers: int = 1) -> AbstractAsyncContextManager[Command]:
    environment = environment_of(flow) | {"IMAGEFERRY_MOVERS": str(movers)}
    line = ("import", flow.drive.folder_url(root), "--concurrency", str(AT_ONCE))
    return command(flow, *line, environment=environment)


async def _terminal(flow: Flow) -> Job:
    while not (job := await flow.job()).state.terminal:  # noqa: ASYNC110 - another process ends it
        await asyncio.sleep(0.1)
    return job


async def _shift(flow: Flow, table: Table, by_ms: int) -> None:
    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(lambda tx: tx.execute(update(table).values(due_ms=table.c.due_ms + by_ms)))
    finally:
        await catalog.close()
