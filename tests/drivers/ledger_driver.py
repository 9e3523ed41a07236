"""Drives the ledger of one job, as the pipeline and people do, with a clock that the test sets."""

from collections import Counter
from collections.abc import Collection
from functools import partial

from sqlalchemy import Select, select

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, items, job_folders
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch, job_actions, outcomes
from imageferry.catalog.ledger.folders import ListedPage, page_failed, save_pages
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.sweep import sweep
from imageferry.errors import BlockedError, NotFoundError, PageTokenError, Reason, TransientError
from imageferry.model import (
    Crawl,
    File,
    ItemState,
    Job,
    JobState,
    LedgerState,
    ListedFile,
    Message,
    Outcome,
    Record,
    SubFolder,
    Transfer,
)

STORE = "memory://"
POLICY = LeasePolicy(batches_in_flight_max=2, lease_ms=10_000, backoff_ms_min=1_000, tries_max=3, stale_pages_max=5)
DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000


class LedgerDriver:
    """The operations on one job's ledger, at the time `now_ms`, which the test sets."""

    def __init__(self, catalog: Catalog, job: Job) -> None:
        self.catalog = catalog
        self.job_id = job.id
        self.now_ms = NOW_MS

    async def dispatch(self) -> list[Crawl | Transfer]:
        return await self.catalog.write(
            lambda tx: dispatch.dispatch(tx, self.job_id, policy=POLICY, now_ms=self.now_ms)
        )

    async def next_crawl(self) -> Crawl:
        (message,) = [message for message in await self.dispatch() if isinstance(message, Crawl)]
        return message

    async def transfers(self) -> list[Transfer]:
        return [message for message in await self.dispatch() if isinstance(message, Transfer)]

    async def save_page(
        self, crawl: Crawl, *file_ids: str, subfolders: tuple[SubFolder, ...] = (), next_page_token: str | None = None
    ) -> None:
        page = ListedPage(
            crawl=crawl,
            files=[listed_file(file_id) for file_id in file_ids],
            subfolders=subfolders,
            next_page_token=next_page_token,
            folder_name="Root",
        )
        await self.save_pages(page)

    async def save_pages(self, *pages: ListedPage) -> None:
        await self.catalog.write(lambda tx: save_pages(tx, pages, policy=POLICY))

    async def page_failed(
        self, crawl: Crawl, error: BlockedError | NotFoundError | PageTokenError | TransientError
    ) -> None:
        await self.catalog.write(lambda tx: page_failed(tx, crawl, error=error, policy=POLICY, now_ms=self.now_ms))

    async def record(self, record: Record) -> None:
        await self.catalog.write(lambda tx: outcomes.record_outcomes(tx, record, policy=POLICY, now_ms=self.now_ms))

    async def orphaned_batches(self) -> list[Transfer]:
        return await self.catalog.read(lambda tx: outcomes.orphaned_batches(tx, store=STORE, limit=10))

    async def sweep(self, *, unserved_types: Collection[type[Message]] = ()) -> list[str]:
        return await self.catalog.write(
            lambda tx: sweep(tx, store=STORE, policy=POLICY, now_ms=self.now_ms, unserved_types=unserved_types)
        )

    async def pause(self) -> Job:
        return await self.catalog.write(lambda tx: job_actions.pause(tx, self.job_id))

    async def resume(self) -> Job:
        return await self.catalog.write(lambda tx: job_actions.resume(tx, self.job_id))

    async def cancel(self, *, discard: bool = False) -> Job:
        return await self.catalog.write(lambda tx: job_actions.cancel(tx, self.job_id, discard=discard))

    async def retry(self, *, reasons: list[Reason] | None = None, item_ids: list[int] | None = None) -> Job:
        return await self.catalog.write(
            lambda tx: job_actions.retry(tx, self.job_id, reasons=reasons, item_ids=item_ids)
        )

    async def remove(self) -> None:
        while not await self.remove_step():
            pass

    async def remove_step(self) -> bool:
        return await self.catalog.write(lambda tx: job_actions.remove_step(tx, self.job_id))

    async def pending_discards(self) -> list[str]:
        return await self.catalog.read(job_actions.pending_discards)

    async def mark_images_deleted(self) -> bool:
        return await self.catalog.write(lambda tx: job_actions.mark_images_deleted(tx, self.job_id))

    async def job(self) -> Job:
        job = await self.catalog.read(lambda tx: jobs.get(tx, self.job_id))
        assert job is not None
        return job


def listed_file(file_id: str, state: ItemState = ItemState.PENDING, reason: Reason | None = None) -> ListedFile:
    file = File(id=file_id, name=f"{file_id}.jpg", mime_type="image/jpeg", size_bytes=10, md5="d", version="d")
    return ListedFile(file=file, folder_id="root", path="", state=state, reason=reason, object_key=f"root/{file_id}")


def stored_record(transfer: Transfer, *, is_final: bool = True) -> Record:
    outcomes = tuple(
        Outcome(item_id=item.item_id, state=ItemState.STORED, size_bytes=10, md5="d", mime_type="image/jpeg")
        for item in transfer.items
    )
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, is_final=is_final)


def unfinished_record(transfer: Transfer, outcomes: tuple[Outcome, ...] = ()) -> Record:
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, is_final=True)


async def assert_consistent(ledger: LedgerDriver) -> None:
    """Check that a job's counts match its items, and that a finished job has nothing open."""
    job = await ledger.job()
    rows = await ledger.catalog.read(lambda tx: tx.execute(select(items).where(items.c.job_id == job.id)).all())
    states = Counter(row.state for row in rows)
    assert (job.discovered, job.stored, job.skipped, job.failed) == (
        len(rows),
        states[ItemState.STORED],
        states[ItemState.SKIPPED],
        states[ItemState.FAILED],
    )
    folder_states = {LedgerState.DONE} if job.state is JobState.COMPLETED else {LedgerState.DONE, LedgerState.WITHDRAWN}
    if job.state.is_terminal:
        assert job.processed == job.discovered
        assert job.finished_at is not None
        for table, allowed in ((batches, {LedgerState.DONE, LedgerState.WITHDRAWN}), (job_folders, folder_states)):
            query = select(table.c.state).where(table.c.job_id == job.id)
            assert await ledger.catalog.read(partial(_column, query)) <= allowed


def _column(query: Select[str], tx: Tx) -> set[str]:
    return set(tx.execute(query).scalars())
