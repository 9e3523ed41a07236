"""What every catalog holds to: events are written with their change, and kept within bounds."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise
from math import inf

import pytest
from msgspec.structs import replace
from sqlalchemy import Row, Table, select, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import events as events_table
from imageferry.catalog.database.tables import samples as samples_table
from imageferry.catalog.events import event_log
from imageferry.catalog.events.event_log import SAMPLES_KEPT, SAMPLES_MAX, EventKind, prune, thinned
from imageferry.catalog.events.gap_tracker import HOLE_WAIT_S, Ordering
from imageferry.catalog.jobs import jobs
from imageferry.clock import utc_now
from imageferry.gateway.event_stream.sse_frames import opening
from imageferry.model import Job
from tests.drivers.jobs import BEGUN_AT, JOB


async def kept(catalog: Catalog, table: Table) -> list[Row[tuple[object, ...]]]:
    return list(await catalog.read(lambda tx: tx.execute(select(table).order_by(table.c.id)).all()))


async def going_on(catalog: Catalog, *, times: int) -> Job:
    """A job that was saved so often, each time a file further."""
    job = replace(JOB, discovered=times + 1)

    def change(tx: Tx) -> None:
        jobs.accept(tx, job)
        for number in range(1, times + 1):
            jobs.save(tx, replace(job, stored=number, bytes_moved=10 * number))

    await catalog.write(change)
    return job


async def test_a_change_and_its_event_are_written_together_or_not_at_all(catalog: Catalog) -> None:
    def broken(tx: Tx) -> None:
        jobs.accept(tx, JOB)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is ours
        await catalog.write(broken)
    assert await kept(catalog, events_table) == []

    await going_on(catalog, times=1)
    accepted, saved = await kept(catalog, events_table)
    assert (accepted.kind, accepted.job_id, accepted.stored) == ("job", JOB.id, 0)
    assert (saved.discovered, saved.processed, saved.stored, saved.bytes_moved) == (2, 1, 1, 10)


async def test_deletions_name_their_images_unless_they_are_many(catalog: Catalog) -> None:
    await catalog.write(lambda tx: event_log.images_deleted(tx, [1, 2]))
    await catalog.write(lambda tx: event_log.images_deleted(tx, range(event_log.IDS_MAX + 1)))
    assert [row.body for row in await kept(catalog, events_table)] == [{"ids": [1, 2]}, {"ids": None}]


async def test_the_oldest_events_go_when_they_are_many_and_their_samples_stay(catalog: Catalog) -> None:
    await going_on(catalog, times=20)
    await catalog.write(lambda tx: prune(tx, events_max=5))
    assert [row.stored for row in await kept(catalog, events_table)] == [16, 17, 18, 19, 20]
    assert [row.processed for row in await kept(catalog, samples_table)] == list(range(16))
    await catalog.write(lambda tx: prune(tx, events_max=5))
    assert len(await kept(catalog, samples_table)) == 16


async def test_events_go_when_they_are_old_but_for_the_newest(catalog: Catalog) -> None:
    await going_on(catalog, times=3)
    await catalog.write(lambda tx: tx.execute(update(events_table).values(at=utc_now() - timedelta(days=2))))
    await catalog.write(prune)
    assert [row.stored for row in await kept(catalog, events_table)] == [3]
    assert len(await kept(catalog, samples_table)) == 3


async def test_a_long_jobs_samples_are_thinned_over_its_whole_length(catalog: Catalog) -> None:
    job = await going_on(catalog, times=SAMPLES_MAX + 2)

    def spread(tx: Tx) -> None:
        for row in tx.execute(select(events_table.c.id, events_table.c.stored)).all():
            at = BEGUN_AT + timedelta(seconds=row.stored)
            tx.execute(update(events_table).where(events_table.c.id == row.id).values(at=at))

    await catalog.write(spread)
    await catalog.write(prune)
    line = [row.processed for row in await kept(catalog, samples_table)]
    assert SAMPLES_KEPT * 0.9 <= len(line) <= SAMPLES_KEPT
    assert (line[0], line[-1]) == (0, job.discovered - 2)
    assert max(b - a for a, b in pairwise(line)) <= 4


async def test_what_followed_an_event_is_kept_when_it_is_or_the_very_next_is(catalog: Catalog) -> None:
    await going_on(catalog, times=9)
    await catalog.write(lambda tx: prune(tx, events_max=5))
    first, *others = [row.id for row in await kept(catalog, events_table)]
    said = (-1, first - 2, first - 1, first, *others, others[-1] + 1, 2**63 - 1)
    known = [number for number in said if await catalog.read(partial(event_log.is_kept, event_id=number))]
    assert known == [first - 1, first, *others]


@pytest.mark.parametrize("count", [0, 1, 300, 301, 5000])
def test_a_thinned_line_keeps_its_ends_and_its_bound(count: int) -> None:
    times = [BEGUN_AT + timedelta(seconds=number**1.5) for number in range(count)]
    kept = thinned(times, points=300)
    assert len(kept) <= 300
    assert kept[:1] + kept[-1:] == list(range(count))[:1] + list(range(count))[-1:]


def test_the_same_moment_many_times_is_no_line() -> None:
    assert thinned([BEGUN_AT] * 400, points=300) == [0, 399]


async def test_events_of_many_writers_are_read_each_once_although_they_commit_out_of_order(catalog: Catalog) -> None:
    written: list[int] = []

    def change(number: int) -> None:
        with catalog.engine.begin() as tx:
            event_log.images_deleted(tx, [number])
            time.sleep(number * 7 % 5 / 50)  # a transaction that is slow to end
            if number % 10 == 0:
                tx.rollback()  # its number is never used
            else:
                written.append(number)

    writing = asyncio.gather(*(asyncio.to_thread(change, number) for number in range(60)))
    ordering, told = Ordering(0), list[event_log.Event]()
    ended_s = inf
    while time.monotonic() < ended_s + HOLE_WAIT_S + 1:
        ended_s = min(ended_s, time.monotonic() if writing.done() else inf)
        after, late = ordering.last_id, ordering.late
        seen = await catalog.read(partial(event_log.after, event_id=after, limit=1000, late=late))
        told += ordering.take(seen, now_s=time.monotonic())
        await asyncio.sleep(0.02)
    await writing
    ids = [event.id for event in told]
    assert ids == sorted(ids)
    assert sorted(number for event in told for number in event.image_ids or ()) == sorted(written)


async def test_who_comes_back_hears_what_was_committed_long_after_its_number_was_passed_over(catalog: Catalog) -> None:
    def commit(number: int) -> Callable[[Tx], None]:
        values = {"id": number, "kind": EventKind.IMAGES_DELETED, "at": utc_now(), "body": {"ids": [number]}}

        def change(tx: Tx) -> None:
            tx.execute(events_table.insert(), values)

        return change

    async def take(ordering: Ordering, now_s: float) -> list[int]:
        seen = await catalog.read(lambda tx: event_log.after(tx, ordering.last_id, limit=10, late=ordering.late))
        return [event.id for event in ordering.take(seen, now_s=now_s)]

    for number in (1, 3, 4):
        await catalog.write(commit(number))
    ordering = Ordering(0)
    assert await take(ordering, 0) == [1]
    assert await take(ordering, HOLE_WAIT_S + 1) == [3, 4]
    heard = ordering.place
    assert str(heard) == "4.2"
    assert await catalog.read(lambda tx: event_log.missing(tx, 1, 4)) == [2]
    # Another gateway begins after the number was passed over; then its event appears, while the client is away.
    begun = Ordering(4, late=[2], now_s=0)
    await catalog.write(commit(2))
    assert await take(begun, 1) == [2]
    missed = await catalog.read(lambda tx: opening(tx, heard=heard, at=begun.place))
    assert b'{"ids":[2]}' in missed
    assert missed.endswith(b"id: 4\n\n")
    nothing = await catalog.read(lambda tx: opening(tx, heard=begun.place, at=begun.place))
    assert b"event:" not in nothing
