"""A catalog that is busy, full, cut off or half migrated, under a real import."""

import asyncio
import random
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from signal import SIGKILL

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from imageferry.bootstrap.components import Ferry, open_ferry
from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import jobs
from imageferry.cli.exit_codes import Exit
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.engine.background import at_work
from imageferry.errors import FatalError, Reason
from imageferry.model import Job, JobOptions
from imageferry.pipeline.submit import submit
from imageferry.sources.registry import recognise
from tests.drivers.disks import remount, small_disk
from tests.drivers.import_flow import QUICK, Flow
from tests.drivers.processes import command, environment_of
from tests.servers.databases import database

FILES = 60


async def test_a_catalog_that_another_program_holds_locked_is_waited_for(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    importing = asyncio.create_task(flow.run(root))
    while flow.drive.requests.count(Operation.LIST) < 1:  # noqa: ASYNC110 - the stand-in tells by its counters
        await asyncio.sleep(0.001)

    with closing(sqlite3.connect(flow.home / "catalog.db", isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(1)
        other.execute("ROLLBACK")
    ending = await importing

    assert (ending.exit, ending.job.stored) == (Exit.DONE, FILES)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(ending)


async def test_a_connection_that_is_cut_during_a_commit_counts_nothing_twice(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    # What was given out in a commit that nobody heard of comes back when its lease runs out.
    flow.limits = replace(QUICK, terms=replace(QUICK.terms, lease_ms=300))
    async with open_ferry(flow.settings, limits=flow.limits) as ferry:
        commits = count()

        @event.listens_for(ferry.catalog.engine, "commit")
        def cut(connection: Connection) -> None:
            if next(commits) % 3 == 0:
                connection.exec_driver_sql("COMMIT")
                lost = sqlite3.OperationalError("server closed the connection unexpectedly")
                raise OperationalError("COMMIT", None, lost)

        job = await _run(ferry, flow.drive.folder_url(root))

    assert next(commits) > 10
    assert (job.discovered, job.stored) == (FILES, FILES)
    await flow.holds_together(job)


async def test_a_catalog_whose_disk_is_full_is_waited_for_until_there_is_room(
    tree: Tree, drive: StandIn, tmp_path: Path
) -> None:
    root = _album(tree)
    with small_disk(tmp_path / "disk", size="4m") as disk:
        url = f"sqlite:///{disk / 'catalog.db'}"
        flow = Flow(drive=drive, home=tmp_path / "home", given={"database_url": url})
        flow.limits = replace(QUICK, catalog_patience_s=10)
        importing = asyncio.create_task(flow.run(root))
        while drive.requests.count(Operation.LIST) < 1:  # noqa: ASYNC110 - the stand-in tells by its counters
            await asyncio.sleep(0.001)
        _fill(disk / "ballast")
        await asyncio.sleep(1)
        was_held_up = not importing.done()
        remount(disk, "size=64m")

        ending = await importing

        assert was_held_up
        assert (ending.exit, ending.job.stored) == (Exit.DONE, FILES)
        await flow.holds_together(ending)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
async def test_processes_that_start_at_once_make_the_tables_once(flow: Flow, tmp_path: Path, kind: str) -> None:
    with database(kind, tmp_path) as url:
        environment = environment_of(flow) | {"DATABASE_URL": url}
        async with AsyncExitStack() as stack:
            starting = [
                await stack.enter_async_context(command(flow, "migrate", environment=environment)) for _ in range(4)
            ]
            ended = [await each.ended() for each in starting]
    assert [each.code for each in ended] == [Exit.DONE] * 4, ended


async def test_a_migration_that_is_killed_is_completed_by_the_next_command(tree: Tree, flow: Flow) -> None:
    root = _album(tree)

    for _ in range(4):
        async with command(flow, "migrate") as migrating:
            await asyncio.sleep(random.uniform(0.2, 0.6))
            with suppress(ProcessLookupError):
                migrating.send(SIGKILL)
            await migrating.ended()
    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, FILES)
    await flow.holds_together(ending)


# What cannot be opened at all.


async def test_what_is_no_database_is_refused_in_a_sentence_and_left_as_it_is(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.home.mkdir()
    file = flow.home / "catalog.db"
    file.write_bytes(b"a diary, not a database. " * 100)

    with pytest.raises(FatalError, match="Check DATABASE_URL") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CATALOG_UNAVAILABLE
    assert file.read_bytes() == b"a diary, not a database. " * 100
    assert not flow.drive.requests.calls


async def test_a_catalog_of_a_newer_version_is_left_alone(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    await flow.run(root)
    with closing(sqlite3.connect(flow.home / "catalog.db", isolation_level=None)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(FatalError, match="upgrade imageferry") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CATALOG_NEWER


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for day in range(6):
        tree.numbered_files(tree.folder(f"Day {day}", parent=root), FILES // 6, size_bytes=1000)
    return root


async def _run(ferry: Ferry, url: str) -> Job:
    """What the import command does, with parts that a test may have tampered with."""
    locator = recognise(url)
    job, _ = await submit(locator, catalog=ferry.catalog, store_url=ferry.store.url, options=JobOptions())
    async with at_work(ferry.engine(job_ids={job.id}), lock=ferry.lock):
        while not job.state.terminal:
            await asyncio.sleep(0.05)
            job = await ferry.catalog.read(partial(_seen, job_id=job.id))
    return job


def _seen(tx: Tx, *, job_id: str) -> Job:
    job = jobs.get(tx, job_id)
    assert job is not None
    return job


def _fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
