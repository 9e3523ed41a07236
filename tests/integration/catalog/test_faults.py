"""Real imports with a catalog that is busy, full, disconnected or half migrated."""

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

from imageferry.bootstrap.components import Components, open_components
from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import jobs
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.engine.background import running
from imageferry.errors import FatalError, Reason
from imageferry.model import Job, JobOptions
from imageferry.pipeline.submit import submit
from imageferry.sources.registry import parse_folder_url
from tests.drivers.disks import remount, small_disk
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow
from tests.drivers.processes import command, environment_of
from tests.servers.databases import database

FILES = 60


async def test_an_import_waits_for_a_catalog_locked_by_another_program(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    importing = asyncio.create_task(flow.run(root))
    while flow.drive.requests.count(Operation.LIST) < 1:  # noqa: ASYNC110 - the test server has only counters
        await asyncio.sleep(0.001)

    with closing(sqlite3.connect(flow.home / "catalog.db", isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(1)
        other.execute("ROLLBACK")
    result = await importing

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, FILES)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(result)


async def test_a_connection_lost_during_a_commit_counts_nothing_twice(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    # Work dispatched in a commit whose connection was lost is requeued when its lease expires.
    flow.limits = replace(FAST_LIMITS, lease_policy=replace(FAST_LIMITS.lease_policy, lease_ms=300))
    async with open_components(flow.settings, limits=flow.limits) as components:
        commits = count()

        @event.listens_for(components.catalog.engine, "commit")
        def disconnect(connection: Connection) -> None:
            if next(commits) % 3 == 0:
                connection.exec_driver_sql("COMMIT")
                lost = sqlite3.OperationalError("server closed the connection unexpectedly")
                raise OperationalError("COMMIT", None, lost)

        job = await _run(components, flow.drive.folder_url(root))

    assert next(commits) > 10
    assert (job.discovered, job.stored) == (FILES, FILES)
    await flow.assert_consistent(job)


async def test_an_import_waits_while_the_disk_of_its_catalog_is_full(
    tree: Tree, drive: DriveTestServer, tmp_path: Path
) -> None:
    root = _album(tree)
    with small_disk(tmp_path / "disk", size="4m") as disk:
        url = f"sqlite:///{disk / 'catalog.db'}"
        flow = ImportFlow(drive=drive, home=tmp_path / "home", setting_overrides={"database_url": url})
        flow.limits = replace(FAST_LIMITS, catalog_retry_timeout_s=10)
        importing = asyncio.create_task(flow.run(root))
        while drive.requests.count(Operation.LIST) < 1:  # noqa: ASYNC110 - the test server has only counters
            await asyncio.sleep(0.001)
        _fill_disk(disk / "ballast")
        await asyncio.sleep(1)
        was_waiting = not importing.done()
        remount(disk, "size=64m")

        result = await importing

        assert was_waiting
        assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, FILES)
        await flow.assert_consistent(result)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
async def test_processes_that_start_at_once_create_the_tables_once(flow: ImportFlow, tmp_path: Path, kind: str) -> None:
    with database(kind, tmp_path) as url:
        environment = environment_of(flow) | {"DATABASE_URL": url}
        async with AsyncExitStack() as stack:
            starting = [
                await stack.enter_async_context(command(flow, "migrate", environment=environment)) for _ in range(4)
            ]
            results = [await each.wait() for each in starting]
    assert [each.code for each in results] == [ExitCode.SUCCESS] * 4, results


async def test_a_killed_migration_is_completed_by_the_next_command(
    tree: Tree, flow: ImportFlow, rng: random.Random
) -> None:
    root = _album(tree)

    for _ in range(4):
        async with command(flow, "migrate") as migrating:
            await asyncio.sleep(rng.uniform(0.2, 0.6))
            with suppress(ProcessLookupError):
                migrating.send(SIGKILL)
            await migrating.wait()
    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, FILES)
    await flow.assert_consistent(result)


async def test_a_file_that_is_not_a_database_is_refused_and_left_unchanged(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.home.mkdir()
    file = flow.home / "catalog.db"
    file.write_bytes(b"a diary, not a database. " * 100)

    with pytest.raises(FatalError, match="Check DATABASE_URL") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CATALOG_UNAVAILABLE
    assert file.read_bytes() == b"a diary, not a database. " * 100
    assert not flow.drive.requests.calls


async def test_a_catalog_of_a_newer_version_is_refused(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    await flow.run(root)
    with closing(sqlite3.connect(flow.home / "catalog.db", isolation_level=None)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(FatalError, match="Upgrade imageferry") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CATALOG_NEWER


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for day in range(6):
        tree.numbered_files(tree.folder(f"Day {day}", parent=root), FILES // 6, size_bytes=1000)
    return root


async def _run(components: Components, url: str) -> Job:
    """Run an import as the command does, with components that a test may have changed."""
    folder_ref = parse_folder_url(url)
    job, _ = await submit(folder_ref, catalog=components.catalog, store_url=components.store.url, options=JobOptions())
    async with running(components.engine(job_ids={job.id}), lock=components.lock):
        while not job.state.is_terminal:
            await asyncio.sleep(0.05)
            job = await components.catalog.read(partial(_get_job, job_id=job.id))
    return job


def _get_job(tx: Tx, *, job_id: str) -> Job:
    job = jobs.get(tx, job_id)
    assert job is not None
    return job


def _fill_disk(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
