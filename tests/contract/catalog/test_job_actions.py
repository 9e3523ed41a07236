"""Job actions on every database: pause, resume, cancel, retry and remove, in any order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.database.tables import batches, job_folders
from imageferry.catalog.database.tables import images as images_table
from imageferry.catalog.database.tables import items as items_table
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import bulk_steps
from imageferry.catalog.ledger.batches import SIZE_BYTES_MAX, insert_items
from imageferry.catalog.ledger.bulk_steps import ROWS_PER_STEP
from imageferry.errors import BlockedError, ConflictError, NotFoundError, Reason, TransientError
from imageferry.model import (
    FOLDER_MIME_TYPE,
    Crawl,
    Folder,
    FolderRef,
    ItemState,
    JobAction,
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
    POLICY,
    STORE,
    LedgerDriver,
    assert_consistent,
    listed_file,
    stored_record,
    unfinished_record,
)


async def test_a_paused_job_dispatches_nothing_until_it_is_resumed(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    await ledger.pause()
    assert await ledger.dispatch() == []
    assert (await ledger.pause()).state is JobState.PAUSED
    assert (await ledger.resume()).state is JobState.RUNNING
    assert len(await ledger.dispatch()) == 2


async def test_a_paused_job_records_what_was_in_flight_and_the_rest_is_ready_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.pause()
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:1])))
    job = await ledger.job()
    assert (job.state, job.stored) == (JobState.PAUSED, 1)
    await ledger.resume()
    (again,) = await ledger.transfers()
    assert [item.file_id for item in again.items] == ["b"]


async def test_a_page_in_flight_when_its_job_was_paused_counts_once(ledger: LedgerDriver) -> None:
    root = await ledger.next_crawl()
    await ledger.pause()
    await ledger.save_page(root, "a")
    await ledger.resume()
    await ledger.save_page(root, "a")
    job = await ledger.job()
    assert (job.discovered, job.open_folders) == (1, 0)


async def test_a_paused_job_stays_paused_when_the_store_is_full_or_a_worker_is_lost(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    crawl, transfer = await ledger.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(transfer, Transfer)
    await ledger.pause()
    await ledger.record(replace(unfinished_record(transfer), blocked_reason=Reason.STORE_FULL, blocked_detail="full"))
    await ledger.page_failed(crawl, BlockedError(Reason.CREDENTIALS_REJECTED, "no"))
    ledger.now_ms += 10 * POLICY.lease_ms
    assert await ledger.sweep() == []
    assert (await ledger.job()).state is JobState.PAUSED


async def test_the_same_request_resumes_a_paused_job(ledger: LedgerDriver) -> None:
    await ledger.pause()
    folder_ref = FolderRef(source="memory", folder_id="root")
    job, new = await submit(folder_ref, catalog=ledger.catalog, store_url=STORE, options=JobOptions())
    assert (job.id, new, job.state) == (ledger.job_id, False, JobState.ACCEPTED)


async def test_a_waiting_job_tries_at_once_when_it_is_resumed(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    await ledger.record(replace(unfinished_record(transfer), blocked_reason=Reason.STORE_FULL, blocked_detail="full"))
    assert (await ledger.resume()).state is JobState.RUNNING
    assert len(await ledger.transfers()) == 1


async def test_a_job_with_nothing_in_flight_is_cancelled_at_once(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", next_page_token="2")
    job = await ledger.cancel()
    assert (job.state, job.discovered, job.skipped) == (JobState.CANCELLED, 2, 2)
    assert await ledger.dispatch() == []
    await assert_consistent(ledger)


async def test_a_cancelled_job_ends_when_its_work_in_flight_is_recorded(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "c")
    (transfer,) = await ledger.transfers()
    assert (await ledger.cancel()).state is JobState.CANCELLING
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:1])))
    job = await ledger.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 2)
    counts = await ledger.catalog.read(lambda tx: items.count_by_reason(tx, job_id=job.id, state=ItemState.SKIPPED))
    assert counts == {Reason.CANCELLED: 2}
    await assert_consistent(ledger)


async def test_a_cancelled_job_ends_when_its_work_in_flight_is_lost(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    await ledger.transfers()
    await ledger.cancel()
    ledger.now_ms += POLICY.lease_ms
    await ledger.sweep()
    assert (await ledger.job()).state is JobState.CANCELLED
    await assert_consistent(ledger)


async def test_a_lost_batch_of_a_cancelled_job_is_checked_once_and_its_objects_recorded(
    ledger: LedgerDriver,
) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.cancel()
    assert await ledger.orphaned_batches() == []
    ledger.now_ms += POLICY.lease_ms
    await ledger.sweep()
    (orphaned,) = await ledger.orphaned_batches()
    assert orphaned == replace(transfer, redelivered=True)
    await ledger.record(stored_record(replace(orphaned, items=orphaned.items[:1])))
    job = await ledger.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await ledger.catalog.read(records.count) == 1
    assert await ledger.orphaned_batches() == []
    await assert_consistent(ledger)


async def test_a_page_listed_after_a_cancel_adds_nothing(ledger: LedgerDriver) -> None:
    root = await ledger.next_crawl()
    await ledger.cancel()
    await ledger.save_page(root, "a")
    job = await ledger.job()
    assert (job.state, job.discovered, job.open_folders) == (JobState.CANCELLED, 0, 1)


async def test_a_file_stored_after_its_job_was_cancelled_has_its_record(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.cancel()
    ledger.now_ms += POLICY.lease_ms
    await ledger.sweep()
    for _ in range(2):
        await ledger.record(stored_record(replace(transfer, items=transfer.items[:1])))
    job = await ledger.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await ledger.catalog.read(records.count) == 1
    await assert_consistent(ledger)


async def test_a_large_job_is_cancelled_in_steps(ledger: LedgerDriver) -> None:
    number = (bulk_steps.BATCHES_PER_STEP + 1) * 100
    await ledger.save_page(await ledger.next_crawl(), *(f"f{n:05}" for n in range(number)))
    assert (await ledger.cancel()).state is JobState.CANCELLING
    await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.skipped) == (JobState.CANCELLING, bulk_steps.BATCHES_PER_STEP * 100)
    await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.skipped) == (JobState.CANCELLED, number)


async def test_a_retried_cancelled_job_continues_where_it_was(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", next_page_token="2")
    (transfer, *_) = await ledger.transfers()
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:1])))
    await ledger.cancel()
    assert (await ledger.retry()).state is JobState.RUNNING
    crawl, rest = await ledger.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(rest, Transfer)
    assert crawl.page_token == "2"
    assert [item.file_id for item in rest.items] == ["b"]
    await ledger.save_page(crawl, "b")
    await ledger.record(stored_record(rest))
    job = await ledger.job()
    assert (job.state, job.discovered, job.stored) == (JobState.COMPLETED, 2, 2)
    await assert_consistent(ledger)


async def test_the_images_of_a_cancelled_job_can_be_discarded_and_imported_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "c")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:2]), is_final=False))
    assert (await ledger.cancel(discard=True)).state is JobState.CANCELLING
    assert await ledger.pending_discards() == []
    await ledger.record(unfinished_record(transfer))
    assert await ledger.pending_discards() == [ledger.job_id]
    assert (await ledger.job()).state is JobState.CANCELLING
    await _delete_images(ledger)
    assert await ledger.mark_images_deleted()
    job = await ledger.job()
    assert (job.state, job.stored, job.skipped) == (JobState.CANCELLED, 0, 3)
    await assert_consistent(ledger)
    await ledger.retry()
    assert sum(len(transfer.items) for transfer in await ledger.transfers()) == 3


async def test_a_cancelled_job_can_be_discarded_later(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:1]), is_final=False))
    await ledger.cancel()
    await ledger.record(unfinished_record(transfer))
    assert (await ledger.job()).state is JobState.CANCELLED
    assert (await ledger.cancel(discard=True)).state is JobState.CANCELLING
    await _delete_images(ledger)
    await ledger.mark_images_deleted()
    assert (await ledger.job()).state is JobState.CANCELLED


async def test_failed_items_are_retried_all_or_by_reason_or_by_id(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "c", "d")
    (transfer,) = await ledger.transfers()
    await ledger.record(_failed(transfer, Reason.GONE, Reason.FORBIDDEN, Reason.FORBIDDEN, Reason.ABUSIVE))
    job = await ledger.job()
    assert (job.state, job.failed, job.actions) == (JobState.COMPLETED, 4, (JobAction.RETRY,))
    last = transfer.items[3].item_id
    assert (await ledger.retry(reasons=[Reason.CORRUPT])).state is JobState.COMPLETED
    assert (await ledger.retry(reasons=[Reason.FORBIDDEN])).failed == 2
    assert (await ledger.retry(reasons=[Reason.FORBIDDEN])).failed == 2
    assert (await ledger.retry(item_ids=[last])).failed == 1
    again = {item.file_id for message in await ledger.transfers() for item in message.items}
    assert again == {"b", "c", "d"}
    assert (await ledger.retry()).failed == 0
    await assert_consistent(ledger)


async def test_a_retried_file_has_all_its_tries_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    for _ in range(POLICY.item_tries_max):
        (transfer,) = await ledger.transfers()
        await ledger.record(_outcomes(transfer, ItemState.PENDING, Reason.SOURCE_UNAVAILABLE))
        ledger.now_ms += POLICY.backoff_ms_max
    assert (await ledger.job()).failed == 1
    await ledger.retry()
    (transfer,) = await ledger.transfers()
    await ledger.record(_outcomes(transfer, ItemState.PENDING, Reason.SOURCE_UNAVAILABLE))
    assert (await ledger.job()).state is JobState.RUNNING


async def test_many_files_are_retried_in_steps(ledger: LedgerDriver) -> None:
    failed = 2 * ROWS_PER_STEP + 1
    await _fail_all(ledger, failed)
    assert (await ledger.job()).state is JobState.COMPLETED
    job = await ledger.retry()
    for step in (1, 2, 3):
        assert (job.state, job.failed, job.retry is None) == (
            JobState.RUNNING,
            max(failed - step * ROWS_PER_STEP, 0),
            step == 3,
        )
        await assert_consistent(ledger)
        await ledger.sweep()
        job = await ledger.job()
    assert await _transfer_all(ledger, stored_record) == failed
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_retry_continues_when_its_first_step_is_finished(ledger: LedgerDriver) -> None:
    await _fail_all(ledger, ROWS_PER_STEP + 1)
    await ledger.retry()
    assert await _transfer_all(ledger, stored_record) == ROWS_PER_STEP
    assert (await ledger.job()).state is JobState.RUNNING
    await ledger.sweep()
    assert await _transfer_all(ledger, stored_record) == 1
    job = await ledger.job()
    assert (job.state, job.stored) == (JobState.COMPLETED, ROWS_PER_STEP + 1)


async def test_a_file_that_fails_again_during_a_retry_is_not_tried_a_third_time(ledger: LedgerDriver) -> None:
    failed = 2 * ROWS_PER_STEP + 1
    await _fail_all(ledger, failed)
    await ledger.retry()
    transferred = 0
    for _ in range(5):
        transferred += await _transfer_all(ledger, _all_failed)
        await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.failed, transferred) == (JobState.COMPLETED, failed, failed)


async def test_a_second_retry_includes_what_failed_again_since_the_first(ledger: LedgerDriver) -> None:
    await _fail_all(ledger, ROWS_PER_STEP + 1)
    await ledger.retry()
    assert await _transfer_all(ledger, _all_failed) == ROWS_PER_STEP
    await ledger.retry()
    await ledger.sweep()
    await ledger.sweep()
    assert await _transfer_all(ledger, stored_record) == ROWS_PER_STEP + 1
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_overlapping_retries_by_reason_retry_both_reasons(ledger: LedgerDriver) -> None:
    await _fail_all(ledger, 3 * ROWS_PER_STEP, reasons=[Reason.GONE, Reason.FORBIDDEN, Reason.CRASHED_WORKER])
    await ledger.retry(reasons=[Reason.GONE])
    await ledger.retry(reasons=[Reason.FORBIDDEN])
    for _ in range(3):
        await ledger.sweep()
    job = await ledger.job()
    assert (job.retry, job.failed) == (None, ROWS_PER_STEP)
    counts = await ledger.catalog.read(lambda tx: items.count_by_reason(tx, job_id=job.id, state=ItemState.FAILED))
    assert counts == {Reason.CRASHED_WORKER: ROWS_PER_STEP}


@pytest.mark.parametrize("batches_max", [1, 2])
async def test_large_files_are_retried_a_few_batches_per_step(ledger: LedgerDriver, batches_max: int) -> None:
    number = bulk_steps.BATCHES_PER_STEP + batches_max
    await _fail_all(ledger, number, size_bytes=SIZE_BYTES_MAX)
    assert (await ledger.retry()).failed == batches_max
    await ledger.sweep()
    job = await ledger.job()
    assert (job.failed, job.retry) == (0, None)
    assert await _transfer_all(ledger, stored_record) == number


async def test_a_retry_stops_while_its_job_is_paused(ledger: LedgerDriver) -> None:
    await _fail_all(ledger, 2 * ROWS_PER_STEP)
    await ledger.retry()
    await ledger.pause()
    await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.failed) == (JobState.PAUSED, ROWS_PER_STEP)
    await ledger.resume()
    await ledger.sweep()
    assert (await ledger.job()).failed == 0


async def test_a_cancel_ends_a_retry_and_the_items_it_did_not_reach_stay_failed(ledger: LedgerDriver) -> None:
    await _fail_all(ledger, ROWS_PER_STEP + 10)
    await ledger.retry()
    await ledger.cancel()
    while (await ledger.job()).state is not JobState.CANCELLED:
        await ledger.sweep()
    job = await ledger.job()
    assert (job.retry, job.failed, job.skipped) == (None, 10, ROWS_PER_STEP)
    await assert_consistent(ledger)
    await ledger.retry()
    await ledger.sweep()
    assert await _transfer_all(ledger, stored_record) == ROWS_PER_STEP + 10
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_large_cancelled_job_is_retried_in_steps(ledger: LedgerDriver) -> None:
    number = 2 * ROWS_PER_STEP + 1
    await ledger.save_page(await ledger.next_crawl(), *(f"f{n:05}" for n in range(number)), next_page_token="2")
    await ledger.cancel()
    while (await ledger.job()).state is not JobState.CANCELLED:
        await ledger.sweep()
    job = await ledger.retry()
    assert (job.state, job.skipped) == (JobState.RUNNING, number - ROWS_PER_STEP)
    await ledger.save_page(await ledger.next_crawl(), "last")
    ledger.now_ms += POLICY.queue_wait_ms_max
    for _ in range(2):
        await assert_consistent(ledger)
        await ledger.sweep()
    assert await _transfer_all(ledger, stored_record) == number + 1
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_many_failed_folders_are_listed_again_in_steps(ledger: LedgerDriver) -> None:
    number = ROWS_PER_STEP + 1
    subs = [SubFolder(folder=Folder(id=f"sub{n}", name="Sub"), path=f"Sub{n}") for n in range(number)]
    await ledger.save_page(await ledger.next_crawl(), subfolders=tuple(subs))

    def fail_folders(tx: Tx) -> None:
        page = [listed_file(sub.folder.id, ItemState.FAILED, Reason.GONE) for sub in subs]
        insert_items(tx, job_id=ledger.job_id, files=page)
        tx.execute(update(items_table).values(mime_type=FOLDER_MIME_TYPE, object_key=None))
        tx.execute(update(job_folders).values(state=LedgerState.DONE))
        job = jobs.get(tx, ledger.job_id)
        assert job is not None
        jobs.save(tx, replace(job, discovered=number, failed=number, open_folders=0))

    await ledger.catalog.write(fail_folders)
    job = await ledger.retry()
    assert (job.state, job.discovered, job.open_folders) == (JobState.RUNNING, 1, ROWS_PER_STEP)
    await ledger.sweep()
    job = await ledger.job()
    assert (job.discovered, job.failed, job.open_folders) == (0, 0, number)


async def test_a_failed_file_of_a_cancelled_job_can_be_retried_alone(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", next_page_token="2")
    (transfer, *_) = await ledger.transfers()
    failed = _failed(replace(transfer, items=transfer.items[:1]), Reason.GONE)
    await ledger.record(failed)
    await ledger.cancel()
    assert (await ledger.retry(reasons=[Reason.GONE])).state is JobState.RUNNING
    (again,) = await ledger.dispatch()
    assert isinstance(again, Transfer)
    assert [item.file_id for item in again.items] == ["a"]
    await ledger.record(stored_record(again))
    job = await ledger.job()
    assert (job.state, job.stored, job.skipped, job.open_folders) == (JobState.CANCELLED, 1, 1, 1)
    await assert_consistent(ledger)


async def test_a_failed_job_starts_from_its_root_again(ledger: LedgerDriver) -> None:
    await ledger.page_failed(await ledger.next_crawl(), NotFoundError(Reason.FOLDER_NOT_FOUND, "Not public."))
    assert (await ledger.retry()).state is JobState.RUNNING
    assert (await ledger.retry()).state is JobState.RUNNING
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(transfer))
    job = await ledger.job()
    assert (job.state, job.reason, job.stored) == (JobState.COMPLETED, None, 1)


async def test_a_failed_folder_is_listed_again(ledger: LedgerDriver) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await ledger.save_page(await ledger.next_crawl(), "a", subfolders=(sub,))
    crawl, transfer = await ledger.dispatch()
    assert isinstance(crawl, Crawl)
    assert isinstance(transfer, Transfer)
    await ledger.page_failed(crawl, NotFoundError(Reason.GONE, "gone"))
    await ledger.record(stored_record(transfer))
    assert (await ledger.job()).failed == 1
    job = await ledger.retry(reasons=[Reason.GONE])
    assert (job.state, job.discovered, job.failed, job.open_folders) == (JobState.RUNNING, 1, 0, 1)
    await ledger.save_page(await ledger.next_crawl(), "b")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(transfer))
    job = await ledger.job()
    assert (job.state, job.discovered, job.stored) == (JobState.COMPLETED, 2, 2)
    await assert_consistent(ledger)


async def test_a_retried_root_that_fails_again_does_not_end_a_job_with_more_to_do(ledger: LedgerDriver) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await ledger.save_page(await ledger.next_crawl(), "a", subfolders=(sub,), next_page_token="2")
    for _ in range(2):
        (root,) = [
            message
            for message in await ledger.dispatch()
            if isinstance(message, Crawl) and message.folder.id != sub.folder.id
        ]
        await ledger.page_failed(root, NotFoundError(Reason.GONE, "not shared for a moment"))
        job = await ledger.job()
        assert (job.state, job.failed, job.open_folders) == (JobState.RUNNING, 1, 1)
        await ledger.retry()
    await assert_consistent(ledger)


async def test_an_action_that_the_state_does_not_allow_is_refused_and_changes_nothing(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl())
    finished = await ledger.job()
    for action in (ledger.pause, ledger.resume, ledger.cancel):
        with pytest.raises(ConflictError):
            await action()
    assert await ledger.retry() == finished
    assert await ledger.job() == finished


async def test_only_a_finished_job_can_be_removed_and_its_images_stay(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    with pytest.raises(ConflictError):
        await ledger.remove()
    await ledger.record(stored_record(transfer))
    await ledger.remove()
    await ledger.remove()
    assert await ledger.catalog.read(lambda tx: jobs.get(tx, ledger.job_id)) is None
    assert await ledger.catalog.read(records.count) == 1
    await ledger.record(stored_record(transfer))
    with pytest.raises(NotFoundError):
        await ledger.retry()


async def test_a_large_job_is_removed_in_steps_with_correct_counts(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), *map(str, range(ROWS_PER_STEP + 1)))
    await ledger.cancel()
    while (await ledger.job()).state is not JobState.CANCELLED:
        await ledger.sweep()
    assert not await ledger.remove_step()
    job = await ledger.job()
    assert (job.state, job.discovered, job.skipped) == (JobState.CANCELLED, 1, 1)
    assert await ledger.remove_step()
    assert await ledger.catalog.read(lambda tx: jobs.get(tx, ledger.job_id)) is None


async def test_a_batch_returned_without_outcomes_does_not_count_as_lost(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    for _ in range(3 * POLICY.tries_max):
        (transfer,) = await ledger.transfers()
        await ledger.record(
            replace(unfinished_record(transfer), blocked_reason=Reason.STORE_FULL, blocked_detail="full")
        )
        ledger.now_ms += POLICY.probe_interval_ms
        await ledger.sweep()
    assert (await ledger.job()).failed == 0


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_events_ends_consistently(ledger: LedgerDriver, seed: int) -> None:
    random = Random(seed)
    walk = _RandomWalk(ledger, random)
    for _ in range(60):
        with suppress(ConflictError):
            await walk.step()
        await assert_consistent(ledger)
    await walk.finish()
    assert (await ledger.job()).state.is_terminal
    await assert_consistent(ledger)


async def test_concurrent_actions_take_turns(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), *(f"f{number}" for number in range(30)))
    (transfer,) = await ledger.transfers()

    async def attempt(action: Callable[[], Awaitable[object]]) -> None:
        with suppress(ConflictError, NotFoundError):
            await action()

    actions: list[Callable[[], Awaitable[object]]] = [
        ledger.cancel,
        ledger.retry,
        ledger.pause,
        ledger.resume,
        ledger.remove,
    ]
    await asyncio.gather(*map(attempt, actions * 4), *(ledger.record(stored_record(transfer)) for _ in range(4)))
    if await ledger.catalog.read(lambda tx: jobs.get(tx, ledger.job_id)) is not None:
        await assert_consistent(ledger)


class _RandomWalk:
    """Takes random steps, as users, workers and the clock do."""

    def __init__(self, ledger: LedgerDriver, random: Random) -> None:
        self._ledger = ledger
        self._random = random
        self._in_flight: list[Crawl | Transfer] = []
        self._files = 0

    async def step(self) -> None:
        ledger = self._ledger
        user_actions = [ledger.pause, ledger.resume, ledger.cancel, ledger.retry, self._retry_some]
        engine_events = [self._dispatch, self._complete_one, self._complete_one, self._lose_one, self._advance_clock]
        await self._random.choice([*user_actions, *engine_events * 2])()

    async def finish(self) -> None:
        ledger = self._ledger
        for _ in range(200):
            job = await ledger.job()
            if job.state.is_terminal:
                return
            if job.state is JobState.PAUSED:
                await ledger.resume()
            await self._advance_clock()
            await self._dispatch()
            while self._in_flight:
                await self._complete_one()

    async def _dispatch(self) -> None:
        self._in_flight += await self._ledger.dispatch()

    async def _complete_one(self) -> None:
        if not self._in_flight:
            return
        message = self._in_flight.pop(self._random.randrange(len(self._in_flight)))
        if isinstance(message, Transfer):
            await self._ledger.record(self._record(message))
        elif self._random.random() < 0.2:
            await self._ledger.page_failed(message, TransientError(Reason.SOURCE_UNAVAILABLE, "502"))
        else:
            new = [f"f{self._files + number}" for number in range(3)]
            self._files += 3
            more = self._files < 30
            await self._ledger.save_page(message, *new, next_page_token=str(self._files) if more else None)

    async def _retry_some(self) -> None:
        await self._ledger.retry(reasons=[Reason.SOURCE_UNAVAILABLE])

    async def _lose_one(self) -> None:
        self._in_flight = self._in_flight[1:]

    async def _advance_clock(self) -> None:
        self._ledger.now_ms += self._random.choice([10, POLICY.lease_ms])
        await self._ledger.sweep()

    def _record(self, message: Transfer) -> Record:
        count = self._random.randint(0, len(message.items))
        state = self._random.choice([ItemState.STORED, ItemState.FAILED, ItemState.PENDING])
        some = replace(message, items=message.items[:count])
        if state is ItemState.STORED:
            return stored_record(some)
        return _outcomes(some, state, Reason.SOURCE_UNAVAILABLE)


def _failed(transfer: Transfer, *reasons: Reason) -> Record:
    outcomes = tuple(
        Outcome(item_id=item.item_id, state=ItemState.FAILED, reason=reason, detail="no")
        for item, reason in zip(transfer.items, reasons, strict=True)
    )
    return unfinished_record(transfer, outcomes)


def _outcomes(transfer: Transfer, state: ItemState, reason: Reason) -> Record:
    outcomes = (Outcome(item_id=item.item_id, state=state, reason=reason) for item in transfer.items)
    return unfinished_record(transfer, tuple(outcomes))


def _all_failed(transfer: Transfer) -> Record:
    return _outcomes(transfer, ItemState.FAILED, Reason.GONE)


async def _fail_all(
    ledger: LedgerDriver, number: int, *, reasons: Sequence[Reason] = (Reason.CRASHED_WORKER,), size_bytes: int = 10
) -> None:
    """List `number` files and mark them all as failed."""
    await ledger.save_page(await ledger.next_crawl(), *(f"f{n:05}" for n in range(number)))

    def fail(tx: Tx) -> None:
        for index, reason in enumerate(reasons):
            failed = {"state": ItemState.FAILED, "reason": reason, "size_bytes": size_bytes}
            tx.execute(update(items_table).where(items_table.c.id % len(reasons) == index).values(failed))
        tx.execute(update(batches).values(state=LedgerState.DONE))
        job = jobs.get(tx, ledger.job_id)
        assert job is not None
        jobs.save(tx, replace(job, failed=number))

    await ledger.catalog.write(fail)


async def _transfer_all(ledger: LedgerDriver, outcome: Callable[[Transfer], Record]) -> int:
    """Record an outcome for every ready batch until none is left. Return the number of files."""
    transferred = 0
    while transfers := await ledger.transfers():
        for transfer in transfers:
            await ledger.record(outcome(transfer))
            transferred += len(transfer.items)
    return transferred


async def _delete_images(ledger: LedgerDriver) -> None:
    query = images_table.delete().where(images_table.c.job_id == ledger.job_id)
    await ledger.catalog.write(lambda tx: tx.execute(query))
