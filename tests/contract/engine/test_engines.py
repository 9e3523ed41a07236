"""Contract of every engine: the local one, and Celery over RabbitMQ and Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch
from imageferry.catalog.ledger.sweep import requeue_in_flight
from imageferry.clock import now_ms
from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.model import Job
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow
from tests.drivers.workers import WorkerGroup, open_worker_group
from tests.servers.brokers import BROKER_KINDS

pytestmark = pytest.mark.integration

FILES = 250
POLL_INTERVAL_S = 0.02
# Short, so that lost work returns soon; long enough that a process without CPU time for a second keeps its lease.
LEASE_POLICY = replace(FAST_LIMITS.lease_policy, lease_ms=2_000)


@pytest.fixture(params=["local", *BROKER_KINDS])
async def engine(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[ImportFlow]:
    """An import flow over one kind of engine, whose workers are running."""
    flow.limits = replace(FAST_LIMITS, lease_policy=LEASE_POLICY)
    if request.param == "local":
        yield flow
        return
    async with open_worker_group(request.param, flow, folder=tmp_path) as group:
        await group.start(processes=2)
        yield flow


@pytest.fixture(params=BROKER_KINDS)
async def workers(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[WorkerGroup]:
    """An empty group of workers over one kind of broker."""
    flow.limits = replace(FAST_LIMITS, lease_policy=LEASE_POLICY)
    async with open_worker_group(request.param, flow, folder=tmp_path) as group:
        yield group


async def test_a_job_stores_every_file(tree: Tree, engine: ImportFlow) -> None:
    root = _album(tree)

    result = await engine.run(root)

    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    assert set(engine.drive.requests.downloads_by_file.values()) == {1}
    await engine.assert_consistent(result)


async def test_work_that_is_dispatched_twice_at_once_has_one_effect(tree: Tree, engine: ImportFlow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    for part in range(1, 5):
        await engine.wait_for_downloads(FILES * part // 8, during=importing)
        await _write_directly(engine, lambda tx, job: requeue_in_flight(tx, job_ids=[job.id]))

    result = await importing

    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await engine.assert_consistent(result)


async def test_work_whose_messages_were_lost_is_dispatched_again(tree: Tree, engine: ImportFlow) -> None:
    def dispatch_and_discard(tx: Tx, job: Job) -> None:
        dispatch.dispatch(tx, job.id, policy=LEASE_POLICY, now_ms=now_ms())

    importing = asyncio.create_task(engine.run(_album(tree)))
    while not engine.progress:  # noqa: ASYNC110 - progress is reported once the job is in the catalog
        await asyncio.sleep(POLL_INTERVAL_S)
    for _ in range(20):
        await _write_directly(engine, dispatch_and_discard)
        await asyncio.sleep(POLL_INTERVAL_S)

    result = await importing

    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await engine.assert_consistent(result)


async def test_duplicate_and_reordered_messages_change_nothing(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start("crawl,record")
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    while workers.broker.queue_length(Role.TRANSFER) < 3:  # noqa: ASYNC110 - a broker has no event for this
        await asyncio.sleep(POLL_INTERVAL_S)
    for message in reversed(workers.broker.take(Role.TRANSFER) * 2):
        workers.broker.send(message)
    await workers.start("transfer", processes=2)

    result = await importing

    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await workers.flow.assert_consistent(result)


async def test_an_uploader_needs_no_catalog(tree: Tree, workers: WorkerGroup, tmp_path: Path) -> None:
    await workers.start("crawl,record")
    await workers.start("transfer")

    await workers.flow.assert_consistent(await workers.flow.run(_album(tree)))

    assert not (tmp_path / "elsewhere").exists()


async def test_a_worker_with_all_roles_records_its_transfers_itself(tree: Tree, workers: WorkerGroup) -> None:
    worker = await workers.start(IMAGEFERRY_LOG_LEVEL="debug")

    await workers.flow.assert_consistent(await workers.flow.run(_album(tree)))

    delivered = {role for role in Role if f"{workers.broker.prefix}.{role}[" in worker.log_text}
    assert delivered == {Role.CRAWL, Role.TRANSFER}


async def test_an_unreadable_message_is_dropped_and_logged(tree: Tree, workers: WorkerGroup) -> None:
    worker = await workers.start()
    unreadable: list[object] = [{"unknown": "fields"}, [], "text", None]
    name = f"{workers.broker.prefix}.{Role.TRANSFER}"
    for body in unreadable:
        workers.broker.app.send_task(name, args=[body], queue=name)

    await worker.wait_for_log("message.dropped", times=4)
    await workers.flow.assert_consistent(await workers.flow.run(_album(tree)))
    assert workers.broker.queue_length(Role.TRANSFER) == 0


async def test_work_continues_after_every_worker_was_killed_and_restarted(tree: Tree, workers: WorkerGroup) -> None:
    first = await workers.start()
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    await workers.flow.wait_for_downloads(FILES // 3, during=importing)
    await first.kill()
    await workers.start(processes=2)

    await workers.flow.assert_consistent(await importing)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(5):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // 5, size_bytes=1_000)
    return root


async def _write_directly(flow: ImportFlow, change: Callable[[Tx, Job], object]) -> None:
    """Change the newest job in the catalog, bypassing its engine."""

    def change_newest(tx: Tx) -> None:
        (job,) = jobs.newest(tx, limit=1)
        change(tx, job)

    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(change_newest)
    finally:
        await catalog.close()
