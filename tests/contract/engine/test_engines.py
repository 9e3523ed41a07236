"""What every engine guarantees: the local one, and Celery over RabbitMQ and Redis."""

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
from tests.servers.brokers import KINDS_OF_BROKERS

pytestmark = pytest.mark.integration

FILES = 250
POLL_INTERVAL_S = 0.02
# What was lost comes back soon; a process that has no time for a second is not taken for dead.
TERMS = replace(FAST_LIMITS.lease_policy, lease_ms=2_000)


@pytest.fixture(params=["local", *KINDS_OF_BROKERS])
async def engine(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[ImportFlow]:
    """A flow over one kind of engine, with all that it needs at work."""
    flow.limits = replace(FAST_LIMITS, lease_policy=TERMS)
    if request.param == "local":
        yield flow
        return
    async with open_worker_group(request.param, flow, folder=tmp_path) as crew:
        await crew.start(processes=2)
        yield flow


@pytest.fixture(params=KINDS_OF_BROKERS)
async def hands(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[WorkerGroup]:
    """A crew over one kind of broker, of nobody yet."""
    flow.limits = replace(FAST_LIMITS, lease_policy=TERMS)
    async with open_worker_group(request.param, flow, folder=tmp_path) as crew:
        yield crew


async def test_a_job_stores_every_file(tree: Tree, engine: ImportFlow) -> None:
    root = _album(tree)

    ending = await engine.run(root)

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    assert set(engine.drive.requests.downloads_by_file.values()) == {1}
    await engine.assert_consistent(ending)


async def test_work_that_is_dispatched_twice_at_once_has_one_effect(tree: Tree, engine: ImportFlow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    for part in range(1, 5):
        await engine.wait_for_downloads(FILES * part // 8, during=importing)
        await _write(engine, lambda tx, job: requeue_in_flight(tx, job_ids=[job.id]))

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await engine.assert_consistent(ending)


async def test_work_whose_messages_were_lost_is_dispatched_again(tree: Tree, engine: ImportFlow) -> None:
    def lose(tx: Tx, job: Job) -> None:
        dispatch.dispatch(tx, job.id, policy=TERMS, now_ms=now_ms())

    importing = asyncio.create_task(engine.run(_album(tree)))
    while not engine.progress:  # noqa: ASYNC110 - the job is seen once it is in the catalog
        await asyncio.sleep(POLL_INTERVAL_S)
    for _ in range(20):
        await _write(engine, lose)
        await asyncio.sleep(POLL_INTERVAL_S)

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await engine.assert_consistent(ending)


async def test_duplicate_and_reordered_messages_change_nothing(tree: Tree, hands: WorkerGroup) -> None:
    await hands.start("crawl,record")
    importing = asyncio.create_task(hands.flow.run(_album(tree)))
    while hands.broker.queue_length(Role.TRANSFER) < 3:  # noqa: ASYNC110 - the server is asked
        await asyncio.sleep(POLL_INTERVAL_S)
    for message in reversed(hands.broker.take(Role.TRANSFER) * 2):
        hands.broker.send(message)
    await hands.start("transfer", processes=2)

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await hands.flow.assert_consistent(ending)


async def test_an_uploader_needs_no_catalog(tree: Tree, hands: WorkerGroup, tmp_path: Path) -> None:
    await hands.start("crawl,record")
    await hands.start("transfer")

    await hands.flow.assert_consistent(await hands.flow.run(_album(tree)))

    assert not (tmp_path / "elsewhere").exists()


async def test_a_worker_with_all_roles_records_its_transfers_itself(tree: Tree, hands: WorkerGroup) -> None:
    worker = await hands.start(IMAGEFERRY_LOG_LEVEL="debug")

    await hands.flow.assert_consistent(await hands.flow.run(_album(tree)))

    delivered = {role for role in Role if f"{hands.broker.prefix}.{role}[" in worker.log_text}
    assert delivered == {Role.CRAWL, Role.TRANSFER}


async def test_an_unreadable_message_is_dropped_and_logged(tree: Tree, hands: WorkerGroup) -> None:
    worker = await hands.start()
    unreadable: list[object] = [{"nobody": "reads this"}, [], "text", None]
    for body in unreadable:
        name = f"{hands.broker.prefix}.{Role.TRANSFER}"
        hands.broker.app.send_task(name, args=[body], queue=name)

    await worker.wait_for_log("message.dropped", times=4)
    await hands.flow.assert_consistent(await hands.flow.run(_album(tree)))
    assert hands.broker.queue_length(Role.TRANSFER) == 0


async def test_work_continues_after_every_worker_was_killed_and_restarted(tree: Tree, hands: WorkerGroup) -> None:
    first = await hands.start()
    importing = asyncio.create_task(hands.flow.run(_album(tree)))
    await hands.flow.wait_for_downloads(FILES // 3, during=importing)
    await first.kill()
    await hands.start(processes=2)

    await hands.flow.assert_consistent(await importing)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(5):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // 5, size_bytes=1_000)
    return root


async def _write(flow: ImportFlow, change: Callable[[Tx, Job], object]) -> None:
    """Change the newest job without its engine's knowledge."""

    def of_the_newest(tx: Tx) -> None:
        (job,) = jobs.newest(tx, limit=1)
        change(tx, job)

    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(of_the_newest)
    finally:
        await catalog.close()
