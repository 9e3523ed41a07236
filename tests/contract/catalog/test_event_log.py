"""The event log on every catalog: events are written with their change, and are bounded in number."""

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
from imageferry.catalog.database.tables import job_progress_samples as samples_table
from imageferry.catalog.events import event_log
from imageferry.catalog.events.event_log import SAMPLES_KEPT, SAMPLES_MAX, EventKind, downsample, prune
from imageferry.catalog.events.gap_tracker import GAP_WAIT_S, GapTracker
from imageferry.catalog.jobs import jobs
from imageferry.clock import utc_now
from imageferry.gateway.event_stream.sse_frames import catch_up_frames
from imageferry.model import Job
from tests.drivers.jobs import JOB, STARTED_AT


async def rows_of(catalog: Catalog, table: Table) -> list[Row[tuple[object, ...]]]:
    return list(await catalog.read(lambda tx: tx.execute(select(table).order_by(table.c.id)).all()))


async def save_progress(catalog: Catalog, *, times: int) -> Job:
    """Create a job and save it `times` times, each time with one more file stored. Return the job as created."""
    job = replace(JOB, discovered=times + 1)

    def change(tx: Tx) -> None:
        jobs.create(tx, job)
        for number in range(1, times + 1):
            jobs.save(tx, replace(job, stored=number, bytes_transferred=10 * number))

    await catalog.write(change)
    return job


async def test_a_change_and_its_event_are_committed_together_or_not_at_all(catalog: Catalog) -> None:
    def fail_after_the_change(tx: Tx) -> None:
        jobs.create(tx, JOB)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised by this test
        await catalog.write(fail_after_the_change)
    assert await rows_of(catalog, events_table) == []

    await save_progress(catalog, times=1)
    created, saved = await rows_of(catalog, events_table)
    assert (created.kind, created.job_id, created.stored) == ("job", JOB.id, 0)
    assert (saved.discovered, saved.processed, saved.stored, saved.bytes_transferred) == (2, 1, 1, 10)


async def test_deletions_list_their_images_unless_there_are_too_many(catalog: Catalog) -> None:
    await catalog.write(lambda tx: event_log.images_deleted(tx, [1, 2]))
    await catalog.write(lambda tx: event_log.images_deleted(tx, range(event_log.IMAGE_IDS_MAX + 1)))
    assert [row.payload for row in await rows_of(catalog, events_table)] == [{"ids": [1, 2]}, {"ids": None}]


async def test_surplus_events_are_pruned_and_their_samples_are_kept(catalog: Catalog) -> None:
    await save_progress(catalog, times=20)
    await catalog.write(lambda tx: prune(tx, events_max=5))
    assert [row.stored for row in await rows_of(catalog, events_table)] == [16, 17, 18, 19, 20]
    assert [row.processed for row in await rows_of(catalog, samples_table)] == list(range(16))
    await catalog.write(lambda tx: prune(tx, events_max=5))
    assert len(await rows_of(catalog, samples_table)) == 16


async def test_old_events_are_pruned_except_the_newest(catalog: Catalog) -> None:
    await save_progress(catalog, times=3)
    two_days_ago = utc_now() - timedelta(days=2)
    await catalog.write(lambda tx: tx.execute(update(events_table).values(recorded_at=two_days_ago)))
    await catalog.write(prune)
    assert [row.stored for row in await rows_of(catalog, events_table)] == [3]
    assert len(await rows_of(catalog, samples_table)) == 3


async def test_samples_of_a_long_job_are_thinned_over_its_whole_duration(catalog: Catalog) -> None:
    job = await save_progress(catalog, times=SAMPLES_MAX + 2)

    def spread_over_time(tx: Tx) -> None:
        for row in tx.execute(select(events_table.c.id, events_table.c.stored)).all():
            at = STARTED_AT + timedelta(seconds=row.stored)
            tx.execute(update(events_table).where(events_table.c.id == row.id).values(recorded_at=at))

    await catalog.write(spread_over_time)
    await catalog.write(prune)
    processed = [row.processed for row in await rows_of(catalog, samples_table)]
    assert SAMPLES_KEPT * 0.9 <= len(processed) <= SAMPLES_KEPT
    assert (processed[0], processed[-1]) == (0, job.discovered - 2)
    assert max(b - a for a, b in pairwise(processed)) <= 4


async def test_nothing_after_an_event_was_pruned_if_it_or_the_next_one_exists(catalog: Catalog) -> None:
    await save_progress(catalog, times=9)
    await catalog.write(lambda tx: prune(tx, events_max=5))
    first, *others = [row.id for row in await rows_of(catalog, events_table)]
    ids = (-1, first - 2, first - 1, first, *others, others[-1] + 1, 2**63 - 1)
    has_all = [event_id for event_id in ids if await catalog.read(partial(event_log.has_all_after, event_id=event_id))]
    assert has_all == [first - 1, first, *others]


@pytest.mark.parametrize("count", [0, 1, 300, 301, 5000])
def test_downsampling_keeps_both_ends_and_at_most_the_requested_points(count: int) -> None:
    times = [STARTED_AT + timedelta(seconds=number**1.5) for number in range(count)]
    indices = downsample(times, points=300)
    assert len(indices) <= 300
    assert indices[:1] + indices[-1:] == list(range(count))[:1] + list(range(count))[-1:]


def test_downsampling_equal_times_keeps_the_first_and_the_last() -> None:
    assert downsample([STARTED_AT] * 400, points=300) == [0, 399]


async def test_events_of_many_writers_are_delivered_once_although_they_commit_out_of_order(catalog: Catalog) -> None:
    committed: list[int] = []

    def write(number: int) -> None:
        with catalog.engine.begin() as tx:
            event_log.images_deleted(tx, [number])
            time.sleep(number * 7 % 5 / 50)  # transactions of different durations
            if number % 10 == 0:
                tx.rollback()  # this event's id never appears
            else:
                committed.append(number)

    writes = asyncio.gather(*(asyncio.to_thread(write, number) for number in range(60)))
    tracker, delivered = GapTracker(0), list[event_log.Event]()
    finished_s = inf
    while time.monotonic() < finished_s + GAP_WAIT_S + 1:
        finished_s = min(finished_s, time.monotonic() if writes.done() else inf)
        last_id, skipped_ids = tracker.last_id, tracker.skipped_ids
        query = partial(event_log.events_after, event_id=last_id, limit=1000, skipped_ids=skipped_ids)
        delivered += tracker.take(await catalog.read(query), now_s=time.monotonic())
        await asyncio.sleep(0.02)
    await writes
    ids = [event.id for event in delivered]
    assert ids == sorted(ids)
    assert sorted(number for event in delivered for number in event.image_ids or ()) == sorted(committed)


async def test_a_client_that_reconnects_gets_an_event_that_committed_long_after_its_id_was_skipped(
    catalog: Catalog,
) -> None:
    def commit(event_id: int) -> Callable[[Tx], None]:
        payload = {"ids": [event_id]}
        values = {"id": event_id, "kind": EventKind.IMAGES_DELETED, "recorded_at": utc_now(), "payload": payload}

        def change(tx: Tx) -> None:
            tx.execute(events_table.insert(), values)

        return change

    async def take(tracker: GapTracker, now_s: float) -> list[int]:
        last_id, skipped_ids = tracker.last_id, tracker.skipped_ids
        query = partial(event_log.events_after, event_id=last_id, limit=10, skipped_ids=skipped_ids)
        return [event.id for event in tracker.take(await catalog.read(query), now_s=now_s)]

    for event_id in (1, 3, 4):
        await catalog.write(commit(event_id))
    tracker = GapTracker(0)
    assert await take(tracker, 0) == [1]
    assert await take(tracker, GAP_WAIT_S + 1) == [3, 4]
    client_offset = tracker.offset
    assert str(client_offset) == "4.2"
    assert await catalog.read(lambda tx: event_log.missing_ids(tx, 1, 4)) == [2]
    # Another gateway starts after the id was skipped; then its event appears, while the client is disconnected.
    other_tracker = GapTracker(4, skipped_ids=[2], now_s=0)
    await catalog.write(commit(2))
    assert await take(other_tracker, 1) == [2]
    newest = other_tracker.offset
    missed = await catalog.read(lambda tx: catch_up_frames(tx, last_offset=client_offset, newest_offset=newest))
    assert b'{"ids":[2]}' in missed
    assert missed.endswith(b"id: 4\n\n")
    nothing = await catalog.read(lambda tx: catch_up_frames(tx, last_offset=newest, newest_offset=newest))
    assert b"event:" not in nothing
