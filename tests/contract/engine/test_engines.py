"""What every engine promises, on one process, on RabbitMQ and on Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch
from imageferry.catalog.ledger.sweep import reclaim
from imageferry.clock import now_ms
from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.model import Job
from tests.drivers.import_flow import QUICK, Flow
from tests.drivers.workers import Crew, crew_over
from tests.servers.brokers import KINDS_OF_BROKERS

pytestmark = pytest.mark.integration

FILES = 250
LOOK_EVERY_S = 0.02
# What was lost comes back soon; a process that has no time for a second is not taken for dead.
TERMS = replace(QUICK.terms, lease_ms=2_000)


@pytest.fixture(params=["local", *KINDS_OF_BROKERS])
async def engine(request: pytest.FixtureRequest, flow: Flow, tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow over one kind of engine, with all that it needs at work."""
    flow.limits = replace(QUICK, terms=TERMS)
    if request.param == "local":
        yield flow
        return
    async with crew_over(request.param, flow, folder=tmp_path) as crew:
        await crew.start(processes=2)
        yield flow


@pytest.fixture(params=KINDS_OF_BROKERS)
async def hands(request: pytest.FixtureRequest, flow: Flow, tmp_path: Path) -> AsyncIterator[Crew]:
    """A crew over one kind of broker, of nobody yet."""
    flow.limits = replace(QUICK, terms=TERMS)
    async with crew_over(request.param, flow, folder=tmp_path) as crew:
        yield crew


async def test_a_job_ends_with_every_file_stored(tree: Tree, engine: Flow) -> None:
    root = _album(tree)

    ending = await engine.run(root)

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    assert set(engine.drive.requests.downloads_by_file.values()) == {1}
    await engine.holds_together(ending)


async def test_work_that_is_given_out_twice_at_once_has_one_effect(tree: Tree, engine: Flow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    for part in range(1, 5):
        await engine.downloads(FILES * part // 8, during=importing)
        await _write(engine, lambda tx, job: reclaim(tx, job_ids=[job.id]))

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await engine.holds_together(ending)


async def test_work_whose_messages_were_lost_is_given_out_again(tree: Tree, engine: Flow) -> None:
    def lose(tx: Tx, job: Job) -> None:
        dispatch.dispatch(tx, job.id, terms=TERMS, now_ms=now_ms())

    importing = asyncio.create_task(engine.run(_album(tree)))
    while not engine.seen:  # noqa: ASYNC110 - the job is seen once it is in the catalog
        await asyncio.sleep(LOOK_EVERY_S)
    for _ in range(20):
        await _write(engine, lose)
        await asyncio.sleep(LOOK_EVERY_S)

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await engine.holds_together(ending)


async def test_messages_that_come_twice_and_in_another_order_change_nothing(tree: Tree, hands: Crew) -> None:
    await hands.start("crawl,record")
    importing = asyncio.create_task(hands.flow.run(_album(tree)))
    while hands.broker.waiting(Role.TRANSFER) < 3:  # noqa: ASYNC110 - the server is asked
        await asyncio.sleep(LOOK_EVERY_S)
    for message in reversed(hands.broker.take(Role.TRANSFER) * 2):
        hands.broker.send(message)
    await hands.start("transfer", processes=2)

    ending = await importing

    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await hands.flow.holds_together(ending)


async def test_an_uploader_needs_no_catalog(tree: Tree, hands: Crew, tmp_path: Path) -> None:
    await hands.start("crawl,record")
    await hands.start("transfer")

    await hands.flow.holds_together(await hands.flow.run(_album(tree)))

    assert not (tmp_path / "elsewhere").exists()


async def test_who_may_record_what_it_transferred_does_so_itself(tree: Tree, hands: Crew) -> None:
    worker = await hands.start(IMAGEFERRY_LOG_LEVEL="debug")

    await hands.flow.holds_together(await hands.flow.run(_album(tree)))

    delivered = {role for role in Role if f"{hands.broker.prefix}.{role}[" in worker.said}
    assert delivered == {Role.CRAWL, Role.TRANSFER}


async def test_a_message_that_cannot_be_read_is_dropped_and_told(tree: Tree, hands: Crew) -> None:
    worker = await hands.start()
    unreadable: list[object] = [{"nobody": "reads this"}, [], "text", None]
    for body in unreadable:
        name = f"{hands.broker.prefix}.{Role.TRANSFER}"
        hands.broker.app.send_task(name, args=[body], queue=name)

    await worker.says("message.dropped", times=4)
    await hands.flow.holds_together(await hands.flow.run(_album(tree)))
    assert hands.broker.waiting(Role.TRANSFER) == 0


async def test_work_goes_on_when_every_worker_was_killed_and_started_again(tree: Tree, hands: Crew) -> None:
    first = await hands.start()
    importing = asyncio.create_task(hands.flow.run(_album(tree)))
    await hands.flow.downloads(FILES // 3, during=importing)
    await first.kill()
    await hands.start(processes=2)

    await hands.flow.holds_together(await importing)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(5):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // 5, size_bytes=1_000)
    return root


async def _write(flow: Flow, change: Callable[[Tx, Job], object]) -> None:
    """Change something of the newest job, behind its engine's back."""

    def of_the_newest(tx: Tx) -> None:
        (job,) = jobs.latest(tx, limit=1)
        change(tx, job)

    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(of_the_newest)
    finally:
        await catalog.close()
