"""What every catalog holds to when people take a hand: pause, resume, cancel, retry and remove, in any order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.database.tables import batches, folders
from imageferry.catalog.database.tables import images as images_table
from imageferry.catalog.database.tables import items as items_table
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import bulk_steps
from imageferry.catalog.ledger.batches import SIZE_BYTES_MAX, insert_with_batches
from imageferry.catalog.ledger.bulk_steps import ROWS_A_STEP
from imageferry.errors import BlockedError, ConflictError, NotFoundError, Reason, TransientError
from imageferry.model import (
    FOLDER_MIME_TYPE,
    Action,
    Crawl,
    Folder,
    FolderRef,
    ItemState,
    JobOptions,
    JobState,
    LedgerState,
    Outcome,
    Record,
    SubFolder,
    Transfer,
)
from imageferry.pipeline.submit import submit
from tests.drivers.ledger_driver import (
    STORE,
    TERMS,
    Ledger,
    found,
    holds_together,
    stored,
    unfinished,
)


async def test_a_paused_job_gives_out_nothing_until_it_is_resumed(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    await moves.pause()
    assert await moves.dispatch() == []
    assert (await moves.pause()).state is JobState.PAUSED
    assert (await moves.resume()).state is JobState.RUNNING
    assert len(await moves.dispatch()) == 2


async def test_what_a_paused_job_had_under_way_is_told_and_the_rest_is_ready_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    await moves.pause()
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1])))
    job = await moves.job()
    assert (job.state, job.stored) == (JobState.PAUSED, 1)
    await moves.resume()
    (again,) = await moves.transfers()
    assert [parcel.file_id for parcel in again.parcels] == ["b"]


async def test_a_page_that_was_under_way_when_its_job_was_paused_counts_once(moves: Ledger) -> None:
    root = await moves.crawl()
    await moves.pause()
    await moves.advance(root, "a")
    await moves.resume()
    await moves.advance(root, "a")
    job = await moves.job()
    assert (job.discovered, job.open_folders) == (1, 0)


async def test_a_paused_job_stays_paused_when_the_store_is_away_or_a_worker_is_lost(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    crawl, transfer = await moves.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(transfer, Transfer)
    await moves.pause()
    await moves.finish(replace(unfinished(transfer), blocked=Reason.STORE_FULL, blocked_detail="full"))
    await moves.stumble(crawl, BlockedError(Reason.CREDENTIALS_REJECTED, "no"))
    moves.now_ms += 10 * TERMS.lease_ms
    assert await moves.sweep() == []
    assert (await moves.job()).state is JobState.PAUSED


async def test_the_same_request_goes_on_with_a_job_that_was_paused(moves: Ledger) -> None:
    await moves.pause()
    locator = FolderRef(source="memory", folder_id="root")
    job, new = await submit(locator, catalog=moves.catalog, store_url=STORE, options=JobOptions())
    assert (job.id, new, job.state) == (moves.job_id, False, JobState.ACCEPTED)


async def test_a_job_that_waits_tries_at_once_when_it_is_resumed(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    await moves.finish(replace(unfinished(transfer), blocked=Reason.STORE_FULL, blocked_detail="full"))
    assert (await moves.resume()).state is JobState.RUNNING
    assert len(await moves.transfers()) == 1


async def test_a_job_with_nothing_under_way_is_cancelled_at_once(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", next_page_token="2")
    job = await moves.cancel()
    assert (job.state, job.discovered, job.skipped) == (JobState.CANCELLED, 2, 2)
    assert await moves.dispatch() == []
    await holds_together(moves)


async def test_a_cancelled_job_ends_when_what_was_under_way_comes_back(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", "c")
    (transfer,) = await moves.transfers()
    assert (await moves.cancel()).state is JobState.CANCELLING
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1])))
    job = await moves.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 2)
    causes = await moves.catalog.read(lambda tx: items.causes(tx, job_id=job.id, state=ItemState.SKIPPED))
    assert causes == {Reason.CANCELLED: 2}
    await holds_together(moves)


async def test_a_cancelled_job_ends_when_what_was_under_way_is_lost(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    await moves.transfers()
    await moves.cancel()
    moves.now_ms += TERMS.lease_ms
    await moves.sweep()
    assert (await moves.job()).state is JobState.CANCELLED
    await holds_together(moves)


async def test_what_a_lost_process_had_of_a_cancelled_job_is_looked_for_once_and_has_its_record(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    await moves.cancel()
    assert await moves.unaccounted() == []
    moves.now_ms += TERMS.lease_ms
    await moves.sweep()
    (left,) = await moves.unaccounted()
    assert left == replace(transfer, repeated=True)
    await moves.finish(stored(replace(left, parcels=left.parcels[:1])))
    job = await moves.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await moves.catalog.read(records.count) == 1
    assert await moves.unaccounted() == []
    await holds_together(moves)


async def test_a_page_that_comes_back_after_a_cancel_brings_nothing(moves: Ledger) -> None:
    root = await moves.crawl()
    await moves.cancel()
    await moves.advance(root, "a")
    job = await moves.job()
    assert (job.state, job.discovered, job.open_folders) == (JobState.CANCELLED, 0, 1)


async def test_what_was_stored_although_its_job_was_cancelled_has_its_record(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    await moves.cancel()
    moves.now_ms += TERMS.lease_ms
    await moves.sweep()
    for _ in range(2):
        await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1])))
    job = await moves.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await moves.catalog.read(records.count) == 1
    await holds_together(moves)


async def test_a_large_job_is_wound_up_in_steps(moves: Ledger) -> None:
    number = (bulk_steps.BATCHES_A_STEP + 1) * 100
    await moves.advance(await moves.crawl(), *(f"f{n:05}" for n in range(number)))
    assert (await moves.cancel()).state is JobState.CANCELLING
    await moves.sweep()
    job = await moves.job()
    assert (job.state, job.skipped) == (JobState.CANCELLING, bulk_steps.BATCHES_A_STEP * 100)
    await moves.sweep()
    job = await moves.job()
    assert (job.state, job.skipped) == (JobState.CANCELLED, number)


async def test_a_cancelled_job_that_is_tried_again_goes_on_where_it_was(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", next_page_token="2")
    (transfer, *_) = await moves.transfers()
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1])))
    await moves.cancel()
    assert (await moves.retry()).state is JobState.RUNNING
    crawl, rest = await moves.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(rest, Transfer)
    assert crawl.page_token == "2"
    assert [parcel.file_id for parcel in rest.parcels] == ["b"]
    await moves.advance(crawl, "b")
    await moves.finish(stored(rest))
    job = await moves.job()
    assert (job.state, job.discovered, job.stored) == (JobState.COMPLETED, 2, 2)
    await holds_together(moves)


async def test_what_a_cancelled_job_stored_can_be_discarded_and_brought_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", "c")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:2]), final=False))
    assert (await moves.cancel(discard=True)).state is JobState.CANCELLING
    assert await moves.to_discard() == []
    await moves.finish(unfinished(transfer))
    assert await moves.to_discard() == [moves.job_id]
    assert (await moves.job()).state is JobState.CANCELLING
    await _remove_images(moves)
    assert await moves.discarded()
    job = await moves.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 0, 3)
    await holds_together(moves)
    await moves.retry()
    assert sum(len(transfer.parcels) for transfer in await moves.transfers()) == 3


async def test_a_cancelled_job_can_be_discarded_later(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1]), final=False))
    await moves.cancel()
    await moves.finish(unfinished(transfer))
    assert (await moves.job()).state is JobState.CANCELLED
    assert (await moves.cancel(discard=True)).state is JobState.CANCELLING
    await _remove_images(moves)
    await moves.discarded()
    assert (await moves.job()).state is JobState.CANCELLED


async def test_what_failed_is_tried_again_all_of_it_by_reason_or_by_item(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", "c", "d")
    (transfer,) = await moves.transfers()
    await moves.finish(_failed(transfer, Reason.GONE, Reason.FORBIDDEN, Reason.FORBIDDEN, Reason.ABUSIVE))
    job = await moves.job()
    assert (job.state, job.failed, job.actions) == (JobState.COMPLETED, 4, (Action.RETRY,))
    last = transfer.parcels[3].item_id
    assert (await moves.retry(reasons=[Reason.CORRUPT])).state is JobState.COMPLETED
    assert (await moves.retry(reasons=[Reason.FORBIDDEN])).failed == 2
    assert (await moves.retry(reasons=[Reason.FORBIDDEN])).failed == 2
    assert (await moves.retry(item_ids=[last])).failed == 1
    again = {parcel.file_id for message in await moves.transfers() for parcel in message.parcels}
    assert again == {"b", "c", "d"}
    assert (await moves.retry()).failed == 0
    await holds_together(moves)


async def test_a_file_that_is_tried_again_has_all_its_tries_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    for _ in range(TERMS.item_tries_max):
        (transfer,) = await moves.transfers()
        await moves.finish(_outcomes(transfer, ItemState.PENDING, Reason.SOURCE_UNAVAILABLE))
        moves.now_ms += TERMS.again_ms_max
    assert (await moves.job()).failed == 1
    await moves.retry()
    (transfer,) = await moves.transfers()
    await moves.finish(_outcomes(transfer, ItemState.PENDING, Reason.SOURCE_UNAVAILABLE))
    assert (await moves.job()).state is JobState.RUNNING


async def test_a_great_many_files_are_tried_again_in_steps(moves: Ledger) -> None:
    failed = 2 * ROWS_A_STEP + 1
    await _fail_all(moves, failed)
    assert (await moves.job()).state is JobState.COMPLETED
    job = await moves.retry()
    for tried in (1, 2, 3):
        assert (job.state, job.failed, job.retry is None) == (
            JobState.RUNNING,
            max(failed - tried * ROWS_A_STEP, 0),
            tried == 3,
        )
        await holds_together(moves)
        await moves.sweep()
        job = await moves.job()
    assert await _carry_all(moves, stored) == failed
    assert (await moves.job()).state is JobState.COMPLETED


async def test_a_retry_goes_on_when_all_it_has_begun_has_ended(moves: Ledger) -> None:
    await _fail_all(moves, ROWS_A_STEP + 1)
    await moves.retry()
    assert await _carry_all(moves, stored) == ROWS_A_STEP
    assert (await moves.job()).state is JobState.RUNNING
    await moves.sweep()
    assert await _carry_all(moves, stored) == 1
    job = await moves.job()
    assert (job.state, job.stored) == (JobState.COMPLETED, ROWS_A_STEP + 1)


async def test_what_fails_again_during_a_retry_is_not_tried_a_third_time(moves: Ledger) -> None:
    failed = 2 * ROWS_A_STEP + 1
    await _fail_all(moves, failed)
    await moves.retry()
    carried = 0
    for _ in range(5):
        carried += await _carry_all(moves, _fails)
        await moves.sweep()
    job = await moves.job()
    assert (job.state, job.failed, carried) == (JobState.COMPLETED, failed, failed)


async def test_a_retry_that_is_asked_for_again_tries_what_failed_again_meanwhile(moves: Ledger) -> None:
    await _fail_all(moves, ROWS_A_STEP + 1)
    await moves.retry()
    assert await _carry_all(moves, _fails) == ROWS_A_STEP
    await moves.retry()
    await moves.sweep()
    await moves.sweep()
    assert await _carry_all(moves, stored) == ROWS_A_STEP + 1
    assert (await moves.job()).state is JobState.COMPLETED


async def test_retries_by_reason_that_overlap_try_what_either_asks_for(moves: Ledger) -> None:
    await _fail_all(moves, 3 * ROWS_A_STEP, reasons=[Reason.GONE, Reason.FORBIDDEN, Reason.POISON])
    await moves.retry(reasons=[Reason.GONE])
    await moves.retry(reasons=[Reason.FORBIDDEN])
    for _ in range(3):
        await moves.sweep()
    job = await moves.job()
    assert (job.retry, job.failed) == (None, ROWS_A_STEP)
    causes = await moves.catalog.read(lambda tx: items.causes(tx, job_id=job.id, state=ItemState.FAILED))
    assert causes == {Reason.POISON: ROWS_A_STEP}


@pytest.mark.parametrize("batches_max", [1, 2])
async def test_large_files_are_tried_again_a_few_batches_a_step(moves: Ledger, batches_max: int) -> None:
    number = bulk_steps.BATCHES_A_STEP + batches_max
    await _fail_all(moves, number, size_bytes=SIZE_BYTES_MAX)
    assert (await moves.retry()).failed == batches_max
    await moves.sweep()
    job = await moves.job()
    assert (job.failed, job.retry) == (0, None)
    assert await _carry_all(moves, stored) == number


async def test_a_retry_rests_while_its_job_is_paused(moves: Ledger) -> None:
    await _fail_all(moves, 2 * ROWS_A_STEP)
    await moves.retry()
    await moves.pause()
    await moves.sweep()
    job = await moves.job()
    assert (job.state, job.failed) == (JobState.PAUSED, ROWS_A_STEP)
    await moves.resume()
    await moves.sweep()
    assert (await moves.job()).failed == 0


async def test_a_cancel_ends_a_retry_and_what_it_had_not_reached_has_failed(moves: Ledger) -> None:
    await _fail_all(moves, ROWS_A_STEP + 10)
    await moves.retry()
    await moves.cancel()
    while (await moves.job()).state is not JobState.CANCELLED:
        await moves.sweep()
    job = await moves.job()
    assert (job.retry, job.failed, job.skipped) == (None, 10, ROWS_A_STEP)
    await holds_together(moves)
    await moves.retry()
    await moves.sweep()
    assert await _carry_all(moves, stored) == ROWS_A_STEP + 10
    assert (await moves.job()).state is JobState.COMPLETED


async def test_a_large_job_that_was_cancelled_goes_on_in_steps(moves: Ledger) -> None:
    number = 2 * ROWS_A_STEP + 1
    await moves.advance(await moves.crawl(), *(f"f{n:05}" for n in range(number)), next_page_token="2")
    await moves.cancel()
    while (await moves.job()).state is not JobState.CANCELLED:
        await moves.sweep()
    job = await moves.retry()
    assert (job.state, job.skipped) == (JobState.RUNNING, number - ROWS_A_STEP)
    await moves.advance(await moves.crawl(), "last")
    moves.now_ms += TERMS.queue_ms
    for _ in range(2):
        await holds_together(moves)
        await moves.sweep()
    assert await _carry_all(moves, stored) == number + 1
    assert (await moves.job()).state is JobState.COMPLETED


async def test_many_folders_that_were_lost_are_listed_again_in_steps(moves: Ledger) -> None:
    number = ROWS_A_STEP + 1
    subs = [SubFolder(folder=Folder(id=f"sub{n}", name="Sub"), path=f"Sub{n}") for n in range(number)]
    await moves.advance(await moves.crawl(), subfolders=tuple(subs))

    def lose(tx: Tx) -> None:
        page = [found(sub.folder.id, ItemState.FAILED, Reason.GONE) for sub in subs]
        insert_with_batches(tx, job_id=moves.job_id, finds=page)
        tx.execute(update(items_table).values(mime_type=FOLDER_MIME_TYPE, object_key=None))
        tx.execute(update(folders).values(state=LedgerState.DONE))
        job = jobs.get(tx, moves.job_id)
        assert job is not None
        jobs.save(tx, replace(job, discovered=number, failed=number, open_folders=0))

    await moves.catalog.write(lose)
    job = await moves.retry()
    assert (job.state, job.discovered, job.open_folders) == (JobState.RUNNING, 1, ROWS_A_STEP)
    await moves.sweep()
    job = await moves.job()
    assert (job.discovered, job.failed, job.open_folders) == (0, 0, number)


async def test_a_file_of_a_cancelled_job_is_tried_again_and_nothing_else_of_it(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b", next_page_token="2")
    (transfer, *_) = await moves.transfers()
    failed = _failed(replace(transfer, parcels=transfer.parcels[:1]), Reason.GONE)
    await moves.finish(failed)
    await moves.cancel()
    assert (await moves.retry(reasons=[Reason.GONE])).state is JobState.RUNNING
    (again,) = await moves.dispatch()
    assert isinstance(again, Transfer)
    assert [parcel.file_id for parcel in again.parcels] == ["a"]
    await moves.finish(stored(again))
    job = await moves.job()
    assert (job.state, job.stored, job.skipped, job.open_folders) == (JobState.CANCELLED, 1, 1, 1)
    await holds_together(moves)


async def test_a_job_that_failed_begins_with_its_root_again(moves: Ledger) -> None:
    await moves.stumble(await moves.crawl(), NotFoundError(Reason.FOLDER_NOT_FOUND, "Not public."))
    assert (await moves.retry()).state is JobState.RUNNING
    assert (await moves.retry()).state is JobState.RUNNING
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(transfer))
    job = await moves.job()
    assert (job.state, job.reason, job.stored) == (JobState.COMPLETED, None, 1)


async def test_a_folder_that_was_lost_is_listed_again(moves: Ledger) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await moves.advance(await moves.crawl(), "a", subfolders=(sub,))
    crawl, transfer = await moves.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(transfer, Transfer)
    await moves.stumble(crawl, NotFoundError(Reason.GONE, "gone"))
    await moves.finish(stored(transfer))
    assert (await moves.job()).failed == 1
    job = await moves.retry(reasons=[Reason.GONE])
    assert (job.state, job.discovered, job.failed, job.open_folders) == (JobState.RUNNING, 1, 0, 1)
    await moves.advance(await moves.crawl(), "b")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(transfer))
    job = await moves.job()
    assert (job.state, job.discovered, job.stored) == (JobState.COMPLETED, 2, 2)
    await holds_together(moves)


async def test_a_root_that_is_lost_again_when_it_is_tried_again_ends_no_job_that_has_more_to_do(moves: Ledger) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await moves.advance(await moves.crawl(), "a", subfolders=(sub,), next_page_token="2")
    for _ in range(2):
        (root,) = [
            message
            for message in await moves.dispatch()
            if isinstance(message, Crawl) and message.folder.id != sub.folder.id
        ]
        await moves.stumble(root, NotFoundError(Reason.GONE, "not shared for a moment"))
        job = await moves.job()
        assert (job.state, job.failed, job.open_folders) == (JobState.RUNNING, 1, 1)
        await moves.retry()
    await holds_together(moves)


async def test_what_makes_no_sense_is_refused_and_changes_nothing(moves: Ledger) -> None:
    await moves.advance(await moves.crawl())
    ended = await moves.job()
    for move in (moves.pause, moves.resume, moves.cancel):
        with pytest.raises(ConflictError):
            await move()
    assert await moves.retry() == ended
    assert await moves.job() == ended


async def test_only_a_job_at_its_end_is_removed_and_its_images_stay(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    with pytest.raises(ConflictError):
        await moves.remove()
    await moves.finish(stored(transfer))
    await moves.remove()
    await moves.remove()
    assert await moves.catalog.read(lambda tx: jobs.get(tx, moves.job_id)) is None
    assert await moves.catalog.read(records.count) == 1
    await moves.finish(stored(transfer))
    with pytest.raises(NotFoundError):
        await moves.retry()


async def test_a_large_job_is_removed_in_steps_whose_counts_are_true(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), *map(str, range(ROWS_A_STEP + 1)))
    await moves.cancel()
    while (await moves.job()).state is not JobState.CANCELLED:
        await moves.sweep()
    assert not await moves.remove_some()
    job = await moves.job()
    assert (job.state, job.discovered, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await moves.remove_some()
    assert await moves.catalog.read(lambda tx: jobs.get(tx, moves.job_id)) is None


async def test_a_batch_that_comes_back_empty_handed_is_not_taken_for_lost(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    for _ in range(3 * TERMS.tries_max):
        (transfer,) = await moves.transfers()
        await moves.finish(replace(unfinished(transfer), blocked=Reason.STORE_FULL, blocked_detail="full"))
        moves.now_ms += TERMS.probe_ms
        await moves.sweep()
    assert (await moves.job()).failed == 0


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_moves_ends_well(moves: Ledger, seed: int) -> None:
    random = Random(seed)
    walk = _Walk(moves, random)
    for _ in range(60):
        with suppress(ConflictError):
            await walk.step()
        await holds_together(moves)
    await walk.to_its_end()
    assert (await moves.job()).state.terminal
    await holds_together(moves)


async def test_moves_at_once_take_turns(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), *(f"f{number}" for number in range(30)))
    (transfer,) = await moves.transfers()

    async def tried(move: Callable[[], Awaitable[object]]) -> None:
        with suppress(ConflictError, NotFoundError):
            await move()

    hands: list[Callable[[], Awaitable[object]]] = [moves.cancel, moves.retry, moves.pause, moves.resume, moves.remove]
    await asyncio.gather(*map(tried, hands * 4), *(moves.finish(stored(transfer)) for _ in range(4)))
    if await moves.catalog.read(lambda tx: jobs.get(tx, moves.job_id)) is not None:
        await holds_together(moves)


class _Walk:
    """Takes steps at random, as people, workers and the clock do."""

    def __init__(self, moves: Ledger, random: Random) -> None:
        self._moves = moves
        self._random = random
        self._under_way: list[Crawl | Transfer] = []
        self._files = 0

    async def step(self) -> None:
        moves = self._moves
        people = [moves.pause, moves.resume, moves.cancel, moves.retry, self._retry_some]
        engine = [self._give_out, self._bring, self._bring, self._lose, self._wait]
        await self._random.choice([*people, *engine * 2])()

    async def to_its_end(self) -> None:
        moves = self._moves
        for _ in range(200):
            job = await moves.job()
            if job.state.terminal:
                return
            if job.state is JobState.PAUSED:
                await moves.resume()
            await self._wait()
            await self._give_out()
            while self._under_way:
                await self._bring()

    async def _give_out(self) -> None:
        self._under_way += await self._moves.dispatch()

    async def _bring(self) -> None:
        if not self._under_way:
            return
        message = self._under_way.pop(self._random.randrange(len(self._under_way)))
        if isinstance(message, Transfer):
            await self._moves.finish(self._record(message))
        elif self._random.random() < 0.2:
            await self._moves.stumble(message, TransientError(Reason.SOURCE_UNAVAILABLE, "502"))
        else:
            new = [f"f{self._files + number}" for number in range(3)]
            self._files += 3
            more = self._files < 30
            await self._moves.advance(message, *new, next_page_token=str(self._files) if more else None)

    async def _retry_some(self) -> None:
        await self._moves.retry(reasons=[Reason.SOURCE_UNAVAILABLE])

    async def _lose(self) -> None:
        self._under_way = self._under_way[1:]

    async def _wait(self) -> None:
        self._moves.now_ms += self._random.choice([10, TERMS.lease_ms])
        await self._moves.sweep()

    def _record(self, message: Transfer) -> Record:
        told = self._random.randint(0, len(message.parcels))
        ends = self._random.choice([ItemState.STORED, ItemState.FAILED, ItemState.PENDING])
        some = replace(message, parcels=message.parcels[:told])
        if ends is ItemState.STORED:
            return stored(some)
        return _outcomes(some, ends, Reason.SOURCE_UNAVAILABLE)


def _failed(transfer: Transfer, *reasons: Reason) -> Record:
    outcomes = tuple(
        Outcome(item_id=parcel.item_id, state=ItemState.FAILED, reason=reason, detail="no")
        for parcel, reason in zip(transfer.parcels, reasons, strict=True)
    )
    return unfinished(transfer, outcomes)


def _outcomes(transfer: Transfer, state: ItemState, reason: Reason) -> Record:
    outcomes = (Outcome(item_id=parcel.item_id, state=state, reason=reason) for parcel in transfer.parcels)
    return unfinished(transfer, tuple(outcomes))


def _fails(transfer: Transfer) -> Record:
    return _outcomes(transfer, ItemState.FAILED, Reason.GONE)


async def _fail_all(
    moves: Ledger, number: int, *, reasons: Sequence[Reason] = (Reason.POISON,), size_bytes: int = 10
) -> None:
    """List so many files, and let all fail."""
    await moves.advance(await moves.crawl(), *(f"f{n:05}" for n in range(number)))

    def fail(tx: Tx) -> None:
        for index, reason in enumerate(reasons):
            failed = {"state": ItemState.FAILED, "reason": reason, "size_bytes": size_bytes}
            tx.execute(update(items_table).where(items_table.c.id % len(reasons) == index).values(failed))
        tx.execute(update(batches).values(state=LedgerState.DONE))
        job = jobs.get(tx, moves.job_id)
        assert job is not None
        jobs.save(tx, replace(job, failed=number))

    await moves.catalog.write(fail)


async def _carry_all(moves: Ledger, ends: Callable[[Transfer], Record]) -> int:
    """Carry whatever is ready, so that it ends in some way; how many files that were."""
    carried = 0
    while transfers := await moves.transfers():
        for transfer in transfers:
            await moves.finish(ends(transfer))
            carried += len(transfer.parcels)
    return carried


async def _remove_images(moves: Ledger) -> None:
    theirs = images_table.delete().where(images_table.c.job_id == moves.job_id)
    await moves.catalog.write(lambda tx: tx.execute(theirs))
