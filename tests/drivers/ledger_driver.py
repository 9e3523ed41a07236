"""The ledger's moves, as the stages and people make them, at a time that a test tells."""

from collections import Counter
from functools import partial

from sqlalchemy import Select, select

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, folders, items
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch, job_actions, outcomes
from imageferry.catalog.ledger.folders import ListedPage, advance, stumble
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
    Outcome,
    Record,
    SubFolder,
    Transfer,
)

STORE = "memory://"
TERMS = LeasePolicy(batches_in_flight_max=2, lease_ms=10_000, again_ms=1_000, tries_max=3, stale_pages_max=5)
DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000


class Ledger:
    """The moves, as the stages make them, at a time that the test tells."""

    def __init__(self, catalog: Catalog, job: Job) -> None:
        self.catalog = catalog
        self.job_id = job.id
        self.now_ms = NOW_MS

    async def dispatch(self) -> list[Crawl | Transfer]:
        return await self.catalog.write(lambda tx: dispatch.dispatch(tx, self.job_id, terms=TERMS, now_ms=self.now_ms))

    async def crawl(self) -> Crawl:
        (message,) = [message for message in await self.dispatch() if isinstance(message, Crawl)]
        return message

    async def transfers(self) -> list[Transfer]:
        return [message for message in await self.dispatch() if isinstance(message, Transfer)]

    async def advance(
        self, crawl: Crawl, *file_ids: str, subfolders: tuple[SubFolder, ...] = (), next_page_token: str | None = None
    ) -> None:
        page = ListedPage(
            crawl=crawl,
            finds=[found(file_id) for file_id in file_ids],
            subfolders=subfolders,
            next_page_token=next_page_token,
            folder_name="Root",
        )
        await self.advance_all(page)

    async def advance_all(self, *pages: ListedPage) -> None:
        await self.catalog.write(lambda tx: advance(tx, pages, terms=TERMS))

    async def stumble(
        self, crawl: Crawl, error: BlockedError | NotFoundError | PageTokenError | TransientError
    ) -> None:
        await self.catalog.write(lambda tx: stumble(tx, crawl, error=error, terms=TERMS, now_ms=self.now_ms))

    async def finish(self, record: Record) -> None:
        await self.catalog.write(lambda tx: outcomes.finish(tx, record, terms=TERMS, now_ms=self.now_ms))

    async def unaccounted(self) -> list[Transfer]:
        return await self.catalog.read(lambda tx: outcomes.unaccounted(tx, store=STORE, limit=10))

    async def sweep(self) -> list[str]:
        return await self.catalog.write(lambda tx: sweep(tx, store=STORE, terms=TERMS, now_ms=self.now_ms))

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
        while not await self.remove_some():
            pass

    async def remove_some(self) -> bool:
        return await self.catalog.write(lambda tx: job_actions.remove(tx, self.job_id))

    async def to_discard(self) -> list[str]:
        return await self.catalog.read(job_actions.to_discard)

    async def discarded(self) -> bool:
        return await self.catalog.write(lambda tx: job_actions.discarded(tx, self.job_id))

    async def job(self) -> Job:
        job = await self.catalog.read(lambda tx: jobs.get(tx, self.job_id))
        assert job is not None
        return job


def found(file_id: str, state: ItemState = ItemState.PENDING, reason: Reason | None = None) -> ListedFile:
    file = File(id=file_id, name=f"{file_id}.jpg", mime_type="image/jpeg", size_bytes=10, md5="d", version="d")
    return ListedFile(file=file, folder_id="root", path="", state=state, reason=reason, object_key=f"root/{file_id}")


def stored(transfer: Transfer, *, final: bool = True) -> Record:
    outcomes = tuple(
        Outcome(item_id=parcel.item_id, state=ItemState.STORED, size_bytes=10, md5="d", mime_type="image/jpeg")
        for parcel in transfer.parcels
    )
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, final=final)


def unfinished(transfer: Transfer, outcomes: tuple[Outcome, ...] = ()) -> Record:
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, final=True)


async def holds_together(ledger: Ledger) -> None:
    """What must hold of a job at any time: its counts are its items', and at its end nothing of it is open."""
    job = await ledger.job()
    rows = await ledger.catalog.read(lambda tx: tx.execute(select(items).where(items.c.job_id == job.id)).all())
    states = Counter(row.state for row in rows)
    assert (job.discovered, job.stored, job.skipped, job.failed) == (
        len(rows),
        states[ItemState.STORED],
        states[ItemState.SKIPPED],
        states[ItemState.FAILED],
    )
    is_listed = {LedgerState.DONE} if job.state is JobState.COMPLETED else {LedgerState.DONE, LedgerState.WITHDRAWN}
    if job.state.terminal:
        assert job.processed == job.discovered
        assert job.finished_at is not None
        for table, ends in ((batches, {LedgerState.DONE, LedgerState.WITHDRAWN}), (folders, is_listed)):
            of_job = select(table.c.state).where(table.c.job_id == job.id)
            assert await ledger.catalog.read(partial(_column, of_job)) <= ends


def _column(query: Select[str], tx: Tx) -> set[str]:
    return set(tx.execute(query).scalars())
