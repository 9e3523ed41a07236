"""The ledger on every database: duplicate, lost and late messages, retries, and concurrent writes."""

import asyncio
import threading

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, job_folders
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import job_actions
from imageferry.catalog.ledger.folders import ListedPage
from imageferry.catalog.ledger.sweep import requeue_in_flight
from imageferry.errors import NotFoundError, PageTokenError, Reason, TransientError
from imageferry.model import (
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
    DAY_MS,
    POLICY,
    STORE,
    LedgerDriver,
    listed_file,
    stored_record,
    unfinished_record,
)


async def test_a_job_runs_from_its_root_to_completion(ledger: LedgerDriver) -> None:
    root = await ledger.next_crawl()
    assert (root.is_root, root.page_token) == (True, None)
    await ledger.save_page(root, "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(transfer))
    job = await ledger.job()
    assert (job.state, job.discovered, job.stored, job.bytes_stored) == (JobState.COMPLETED, 2, 2, 20)
    assert job.finished_at is not None
    assert await ledger.catalog.read(records.count) == 2


async def test_an_empty_folder_completes_its_job(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl())
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_job_is_not_complete_before_its_last_page_is_listed(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), next_page_token="2")
    assert (await ledger.job()).state is JobState.RUNNING
    second = await ledger.next_crawl()
    assert second.page_token == "2"
    await ledger.save_page(second)
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_page_saved_twice_counts_once(ledger: LedgerDriver) -> None:
    root = await ledger.next_crawl()
    await ledger.save_page(root, "a", next_page_token="2")
    await ledger.save_page(root, "a", next_page_token="2")
    job = await ledger.job()
    assert (job.discovered, job.open_folders) == (1, 1)


async def test_a_file_on_two_pages_or_twice_on_one_is_one_item(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "a", next_page_token="2")
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    assert (await ledger.job()).discovered == 2


async def test_pages_saved_together_count_each_file_and_folder_once(ledger: LedgerDriver) -> None:
    first, second = (SubFolder(folder=Folder(id=name, name=name), path=name) for name in ("x", "y"))
    await ledger.save_page(await ledger.next_crawl(), subfolders=(first, second))
    crawl_x, crawl_y = [message for message in await ledger.dispatch() if isinstance(message, Crawl)]
    await ledger.save_pages(
        ListedPage(crawl=crawl_x, files=[listed_file("a"), listed_file("b")], subfolders=[second], next_page_token="2"),
        ListedPage(crawl=crawl_y, files=[listed_file("b"), listed_file("c")], subfolders=[first]),
        ListedPage(crawl=replace(crawl_y, page_token="outdated"), files=[listed_file("d")]),
    )
    job = await ledger.job()
    assert (job.discovered, job.open_folders) == (3, 1)
    assert (await ledger.next_crawl()).page_token == "2"


async def test_a_folder_found_twice_is_listed_once(ledger: LedgerDriver) -> None:
    root = SubFolder(folder=Folder(id="root", name="Root"), path="x", via_shortcut=True)
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await ledger.save_page(await ledger.next_crawl(), subfolders=(root, sub, sub))
    assert (await ledger.job()).open_folders == 1


async def test_outcomes_recorded_twice_count_once(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    (transfer,) = await ledger.transfers()
    for _ in range(100):
        await ledger.record(stored_record(transfer))
    assert (await ledger.job()).stored == 1


async def test_part_of_a_batch_can_be_recorded_before_the_rest(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    first = stored_record(replace(transfer, items=transfer.items[:1]), is_final=False)
    await ledger.record(first)
    assert (await ledger.job()).stored == 1
    await ledger.record(stored_record(transfer))
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_files_without_an_outcome_are_dispatched_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(replace(transfer, items=transfer.items[:1])))
    (again,) = await ledger.transfers()
    assert [item.file_id for item in again.items] == ["b"]
    assert again.redelivered
    assert again.items[0].tries == 0  # it was not tried


async def test_a_retried_file_waits_for_its_backoff_and_fails_after_its_last_try(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    for attempt in range(POLICY.item_tries_max):
        (transfer,) = await ledger.transfers()
        assert transfer.items[0].tries == attempt
        (item,) = transfer.items
        again = Outcome(item_id=item.item_id, state=ItemState.PENDING, reason=Reason.SOURCE_UNAVAILABLE, detail="502")
        await ledger.record(unfinished_record(transfer, (again,)))
        assert await ledger.transfers() == []
        ledger.now_ms += POLICY.backoff_ms_max
    job = await ledger.job()
    assert (job.state, job.failed) == (JobState.COMPLETED, 1)
    reasons = await ledger.catalog.read(lambda tx: items.count_by_reason(tx, job_id=job.id, state=ItemState.FAILED))
    assert reasons == {Reason.SOURCE_UNAVAILABLE: 1}


async def test_a_batch_whose_lease_expires_is_dispatched_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (lost,) = await ledger.transfers()
    ledger.now_ms += POLICY.lease_ms - 1
    await ledger.sweep()
    assert await ledger.transfers() == []
    ledger.now_ms += 1
    await ledger.sweep()
    (again,) = await ledger.transfers()
    await ledger.record(stored_record(again))
    await ledger.record(stored_record(lost))  # too late to change anything
    assert (await ledger.job()).stored == 1


async def test_a_heartbeat_renews_the_lease(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    ledger.now_ms += POLICY.lease_ms - 1
    await ledger.record(replace(unfinished_record(transfer), is_final=False))
    ledger.now_ms += POLICY.lease_ms - 1
    await ledger.sweep()
    assert await ledger.transfers() == []


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS])
async def test_leases_and_backoffs_survive_a_clock_that_jumps(ledger: LedgerDriver, jump_ms: int) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    await ledger.transfers()
    ledger.now_ms += jump_ms
    await ledger.sweep()
    assert len(await ledger.dispatch()) == 2  # the page and the batch, both without a delay


async def test_a_batch_that_is_always_lost_is_dead_lettered(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    for _ in range(POLICY.tries_max):
        assert len(await ledger.transfers()) == 1
        ledger.now_ms += POLICY.lease_ms
        await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.failed) == (JobState.COMPLETED, 1)


async def test_a_file_that_crashes_every_worker_is_dead_lettered_alone(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "killer", "z")
    for _ in range(POLICY.tries_max + POLICY.split_after_tries):
        for transfer in await ledger.transfers():
            if "killer" not in [item.file_id for item in transfer.items]:
                await ledger.record(stored_record(transfer))
        ledger.now_ms += POLICY.lease_ms
        await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.stored, job.failed) == (JobState.COMPLETED, 2, 1)
    reasons = await ledger.catalog.read(lambda tx: items.count_by_reason(tx, job_id=job.id, state=ItemState.FAILED))
    assert reasons == {Reason.CRASHED_WORKER: 1}


async def test_suspects_are_isolated_and_the_rest_of_their_batch_stays_together(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "hangs", "z")
    (hung,) = await ledger.transfers()
    _, *suspects, _ = (item.item_id for item in hung.items)
    for _ in range(2):  # the record may arrive twice
        await ledger.record(replace(unfinished_record(hung), suspects=tuple(suspects)))

    first = await ledger.transfers()
    for transfer in first:
        await ledger.record(stored_record(transfer))
    (alone,) = await ledger.transfers()
    assert [(len(transfer.items), transfer.isolated, transfer.redelivered) for transfer in (*first, alone)] == [
        (2, False, True),
        (1, True, True),
        (1, True, True),
    ]
    assert alone.items[0].item_id == suspects[-1]
    await ledger.record(stored_record(alone))
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_batch_whose_process_hangs_on_the_files_of_others_is_never_dead_lettered(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    for _ in range(2 * POLICY.tries_max):
        (innocent,) = await ledger.transfers()
        assert len(innocent.items) == 2
        await ledger.record(unfinished_record(innocent))
        await ledger.sweep()


async def test_a_job_waits_while_no_worker_serves_its_stage_and_continues_by_itself(ledger: LedgerDriver) -> None:
    assert await ledger.sweep(unserved_types=[Transfer, Record]) == [ledger.job_id]  # nothing to transfer yet
    assert await ledger.sweep(unserved_types=[Crawl]) == []
    assert (await ledger.job()).detail == "No worker serves crawl. Start one: imageferry work --role crawl"
    assert await ledger.sweep() == [ledger.job_id]
    assert (await ledger.job()).state is JobState.ACCEPTED

    await ledger.save_page(await ledger.next_crawl(), "a", "b")
    (transfer,) = await ledger.transfers()
    for _ in range(2):
        ledger.now_ms += POLICY.probe_interval_ms
        assert await ledger.sweep(unserved_types=[Transfer, Record]) == []
        job = await ledger.job()
        assert (job.state, job.reason) == (JobState.WAITING, Reason.NO_WORKER)
        assert job.detail == "No worker serves transfer,record. Start one: imageferry work --role transfer,record"
    assert await ledger.sweep(unserved_types=[Crawl]) == [ledger.job_id]
    job = await ledger.job()
    assert (job.state, job.reason, job.detail) == (JobState.RUNNING, None, None)
    await ledger.record(stored_record(transfer))
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_a_job_that_finishes_while_it_waits_for_a_worker_is_complete(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    await ledger.sweep(unserved_types=[Transfer])
    await ledger.record(stored_record(transfer))
    assert (await ledger.job()).state is JobState.COMPLETED
    assert await ledger.sweep(unserved_types=[Transfer]) == []


async def test_a_paused_job_stays_paused_without_a_worker(ledger: LedgerDriver) -> None:
    await ledger.pause()
    await ledger.sweep(unserved_types=[Crawl])
    assert (await ledger.job()).state is JobState.PAUSED


async def test_a_batch_lost_too_often_is_not_dispatched_before_it_is_dead_lettered(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    for _ in range(POLICY.tries_max):
        (lost,) = await ledger.transfers()
        await ledger.record(replace(unfinished_record(lost), worker_lost=True))
    assert await ledger.transfers() == []
    await ledger.sweep()
    assert (await ledger.job()).failed == 1


async def test_a_root_whose_page_is_always_lost_fails_its_job(ledger: LedgerDriver) -> None:
    for _ in range(POLICY.tries_max):
        await ledger.next_crawl()
        ledger.now_ms += POLICY.lease_ms
        await ledger.sweep()
    job = await ledger.job()
    assert (job.state, job.reason) == (JobState.FAILED, Reason.CRASHED_WORKER)


async def test_the_number_of_batches_in_flight_is_limited(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), *(f"f{number:03}" for number in range(350)))
    dispatched = await ledger.transfers()
    assert [len(transfer.items) for transfer in dispatched] == [100, 100]
    assert await ledger.transfers() == []
    await ledger.record(stored_record(dispatched[0]))
    assert [len(transfer.items) for transfer in await ledger.transfers()] == [100]


async def test_small_folders_share_a_batch_that_was_not_dispatched(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), *(f"x{number}" for number in range(200)), next_page_token="2")
    second, *transfers = await ledger.dispatch()
    assert isinstance(second, Crawl)
    assert len(transfers) == POLICY.batches_in_flight_max
    await ledger.save_page(second, "a", "b", next_page_token="3")
    await ledger.save_page(await ledger.next_crawl(), "c")
    count = await ledger.catalog.read(
        lambda tx: tx.execute(select(func.count()).select_from(batches).where(batches.c.files == 3)).scalar_one()
    )
    assert count == 1


async def test_a_rejected_page_token_restarts_the_folder(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    await ledger.page_failed(await ledger.next_crawl(), PageTokenError(Reason.REJECTED, "stale"))
    ledger.now_ms += POLICY.backoff_ms_max
    again = await ledger.next_crawl()
    assert again.page_token is None
    await ledger.save_page(again, "a", "b")
    assert (await ledger.job()).discovered == 2


async def test_a_folder_whose_pages_loop_fails(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    pages = 1
    while (await ledger.job()).open_folders:
        await ledger.save_page(await ledger.next_crawl(), "a", next_page_token=("2", "3")[pages % 2])
        pages += 1
        assert pages < 20
    reasons = await ledger.catalog.read(
        lambda tx: items.count_by_reason(tx, job_id=ledger.job_id, state=ItemState.FAILED)
    )
    assert reasons == {Reason.LISTING_INCOMPLETE: 1}


async def test_a_root_that_is_not_found_fails_its_job_with_the_error_message(ledger: LedgerDriver) -> None:
    await ledger.page_failed(await ledger.next_crawl(), NotFoundError(Reason.FOLDER_NOT_FOUND, "Not public."))
    job = await ledger.job()
    assert (job.state, job.reason, job.detail) == (JobState.FAILED, Reason.FOLDER_NOT_FOUND, "Not public.")


async def test_a_sub_folder_that_cannot_be_listed_is_a_failed_item(ledger: LedgerDriver) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    link = SubFolder(folder=Folder(id="link", name="Link"), path="Link", via_shortcut=True)
    await ledger.save_page(await ledger.next_crawl(), subfolders=(sub, link))
    for crawl in await ledger.dispatch():
        assert isinstance(crawl, Crawl)
        await ledger.page_failed(crawl, NotFoundError(Reason.GONE, "gone"))
    job = await ledger.job()
    assert (job.state, job.discovered, job.failed, job.skipped) == (JobState.COMPLETED, 2, 1, 1)


async def test_a_blocked_job_waits_and_tries_again(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    await ledger.record(replace(unfinished_record(transfer), blocked_reason=Reason.STORE_FULL, blocked_detail="full"))
    job = await ledger.job()
    assert (job.state, job.reason, job.detail) == (JobState.WAITING, Reason.STORE_FULL, "full")
    assert await ledger.dispatch() == []
    ledger.now_ms += POLICY.probe_interval_ms
    await ledger.sweep()
    (again,) = await ledger.transfers()
    await ledger.record(stored_record(again))
    assert (await ledger.job()).state is JobState.COMPLETED


async def test_work_in_flight_of_a_dead_process_is_requeued_at_once(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", next_page_token="2")
    assert len(await ledger.dispatch()) == 2
    await ledger.catalog.write(lambda tx: requeue_in_flight(tx, job_ids=[ledger.job_id]))
    assert len(await ledger.dispatch()) == 2


async def test_a_terminal_job_never_changes_by_itself(ledger: LedgerDriver) -> None:
    root = await ledger.next_crawl()
    await ledger.save_page(root)
    finished = await ledger.job()
    await ledger.save_page(root, "late")
    await ledger.page_failed(root, TransientError(Reason.SOURCE_UNAVAILABLE, "late"))
    ledger.now_ms += DAY_MS
    assert await ledger.sweep() == []
    assert await ledger.job() == finished


async def test_a_repeated_request_returns_the_unfinished_job(ledger: LedgerDriver) -> None:
    folder_ref = FolderRef(source="memory", folder_id="root")
    same, new = await submit(folder_ref, catalog=ledger.catalog, store_url=STORE, options=JobOptions())
    assert (same.id, new) == (ledger.job_id, False)
    other, new = await submit(folder_ref, catalog=ledger.catalog, store_url=STORE, options=JobOptions(recursive=False))
    assert new
    assert other.id != ledger.job_id


async def test_simultaneous_equal_requests_create_one_job(catalog: Catalog) -> None:
    for folder_id in ("first", "second"):
        folder_ref = FolderRef(source="memory", folder_id=folder_id)
        requests = [submit(folder_ref, catalog=catalog, store_url=STORE, options=JobOptions()) for _ in range(4)]
        submitted = await asyncio.gather(*requests)
        assert len({job.id for job, _ in submitted}) == 1
        assert [new for _, new in submitted].count(True) == 1
        (job, _), *_ = submitted
        await catalog.write(lambda tx, job_id=job.id: job_actions.cancel(tx, job_id))  # type: ignore[misc]
        _, new = await submit(folder_ref, catalog=catalog, store_url=STORE, options=JobOptions())
        assert new


async def test_a_changed_file_keeps_its_image_record(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a")
    (transfer,) = await ledger.transfers()
    await ledger.record(stored_record(transfer))
    (before,) = await ledger.catalog.read(lambda tx: records.page_after(tx, image_id=0, limit=10))
    job, _ = await submit(
        FolderRef(source="memory", folder_id="root"), catalog=ledger.catalog, store_url=STORE, options=JobOptions()
    )
    second = LedgerDriver(ledger.catalog, job)
    await second.save_page(await second.next_crawl(), "a")
    (transfer,) = await second.transfers()
    outcome = replace(stored_record(transfer).outcomes[0], md5="e", size_bytes=11)
    await second.record(replace(stored_record(transfer), outcomes=(outcome,)))
    (after,) = await ledger.catalog.read(lambda tx: records.page_after(tx, image_id=0, limit=10))
    assert (after.id, after.created_at, after.md5, after.size_bytes) == (before.id, before.created_at, "e", 11)
    assert after.job_id == job.id


async def test_two_writers_of_one_row_take_turns(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), *(f"f{number}" for number in range(50)))
    (transfer,) = await ledger.transfers()
    halves = [replace(transfer, items=transfer.items[:30]), replace(transfer, items=transfer.items[20:])]
    await asyncio.gather(*(ledger.record(stored_record(half, is_final=False)) for half in halves))
    assert (await ledger.job()).stored == 50


async def test_a_process_that_freezes_in_a_transaction_does_not_block_others_for_long(
    catalog: Catalog, ledger: LedgerDriver
) -> None:
    if catalog.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server that could end a transaction.")
    has_locked, may_continue = threading.Event(), threading.Event()
    frozen_catalog = Catalog(catalog.url.render_as_string(hide_password=False), idle_transaction_timeout_s=1)

    def freeze(tx: Tx) -> None:
        jobs.get(tx, ledger.job_id, lock=True)
        has_locked.set()
        may_continue.wait()
        job_actions.set_priority(tx, ledger.job_id, priority=1)

    freezing = asyncio.create_task(frozen_catalog.write(freeze))
    await asyncio.to_thread(has_locked.wait)
    await catalog.write(lambda tx: job_actions.set_priority(tx, ledger.job_id, priority=2))
    may_continue.set()
    await freezing
    await frozen_catalog.close()

    assert (await ledger.job()).priority == 1  # its transaction was rolled back and ran again


async def test_a_write_that_raises_is_rolled_back(ledger: LedgerDriver) -> None:
    def fail(tx: Tx) -> None:
        tx.execute(update(job_folders).values(state=LedgerState.DONE))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised by this test
        await ledger.catalog.write(fail)
    assert await ledger.next_crawl()
