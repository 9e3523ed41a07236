"""The ledger's moves: dispatch, advance, stumble, finish; each is one transaction's work, and safe to repeat.

Every move holds its job's row locked, so that of two workers at one row one wins and the
other finds the work done. Times are milliseconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, select, update

from imageferry.catalog import images, items, jobs
from imageferry.catalog.batching import insert_with_batches
from imageferry.catalog.tables import batches, folders
from imageferry.clock import utc_now
from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    TransientError,
)
from imageferry.model import (
    FOLDER_MIME_TYPE,
    Crawl,
    File,
    Find,
    Folder,
    ItemState,
    Job,
    JobState,
    LedgerState,
    Outcome,
    Record,
    SubFolder,
    Transfer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The limits under which work is given out."""

    batches_in_flight_max: int = 4  # per job: its credit
    folders_in_flight_max: int = 8  # per job
    lease_ms: int = 60_000  # how long whoever works on something may give no sign of life
    item_tries_max: int = 3
    folder_tries_max: int = 5
    tries_max: int = 20  # a batch or folder is given out without anything coming back
    stale_pages_max: int = 1_000  # pages in a row that bring nothing new, beyond a second reading of all that did
    again_ms: int = 2_000  # before the first repetition; doubles
    again_ms_max: int = 60_000
    probe_ms: int = 15_000  # between the probes of a waiting job

    @property
    def queue_ms(self) -> int:
        """How long work may wait in a queue before it counts as lost, whatever the queue holds."""
        return 10 * self.lease_ms

    @property
    def sign_of_life_s(self) -> float:
        """How often whoever works on something is to give a sign of life: two may go astray."""
        return self.lease_ms / 3_000

    def pause_ms(self, tries: int) -> int:
        """How long work rests after it failed for the `tries`-th time."""
        return min(self.again_ms << max(tries - 1, 0), self.again_ms_max)


def dispatch(tx: Connection, job_id: str, *, terms: Terms, now_ms: int) -> list[Crawl | Transfer]:
    """Give out as much of a job as its window has room for; the messages are to be sent once this is committed."""
    job = jobs.get(tx, job_id, lock=True)
    if job is None or job.state not in jobs.ACTIVE:
        return []
    transfers = _transfers(tx, job, terms=terms, now_ms=now_ms)
    crawls = _crawls(tx, job, terms=terms, now_ms=now_ms) if job.open_folders else []
    if job.state is JobState.ACCEPTED:
        jobs.save(tx, replace(job, state=JobState.RUNNING, started_at=utc_now()))
    return [*crawls, *transfers]


def advance(
    tx: Connection,
    crawl: Crawl,
    *,
    finds: Sequence[Find],
    subfolders: Sequence[SubFolder],
    next_page_token: str | None,
    terms: Terms,
    folder_name: str | None = None,
) -> None:
    """Write a page: its new items and their batches, its new folders, and which page is next.

    A folder whose pages bring nothing new for too long leads in circles, and is lost.
    """
    job = jobs.get(tx, crawl.job_id, lock=True)
    if job is None or job.state.terminal or not _is_at(tx, crawl):
        return
    known = items.known_ids(tx, job_id=job.id, file_ids=[find.file.id for find in finds])
    new = list({find.file.id: find for find in reversed(finds) if find.file.id not in known}.values())[::-1]
    insert_with_batches(tx, job_id=job.id, finds=new)
    opened = _open(tx, job, subfolders)
    ended = next_page_token is None
    brings_news = bool(new) or opened > 0
    tx.execute(
        update(folders)
        .where(folders.c.id == crawl.crawl_id)
        .values(
            state=LedgerState.DONE if ended else LedgerState.READY,
            page_token=next_page_token,
            pages=folders.c.pages + int(brings_news),
            stale_pages=0 if brings_news else folders.c.stale_pages + 1,
            tries=0,
            due_ms=0,
        )
    )
    job = _discovered(job, new)
    job = replace(job, folder_name=folder_name or job.folder_name, open_folders=job.open_folders + opened - ended)
    if not ended and not brings_news and _leads_in_circles(tx, crawl, terms):
        error = PermanentError(Reason.LISTING_INCOMPLETE, "The source's pages of this folder lead in circles.")
        _lose(tx, job, crawl, error)
    else:
        _save(tx, job)


def stumble(tx: Connection, crawl: Crawl, *, error: ImageferryError, terms: Terms, now_ms: int) -> None:
    """Write that a page could not be listed: the folder is listed again, or fails; a root that fails fails its job."""
    job = jobs.get(tx, crawl.job_id, lock=True)
    if job is None or job.state.terminal or not _is_at(tx, crawl):
        return
    row = tx.execute(select(folders).where(folders.c.id == crawl.crawl_id)).one()
    untouched = row.folder_id == job.folder_id and row.pages == 0
    hopeful = isinstance(error, (TransientError, PageTokenError)) and row.tries < terms.folder_tries_max
    if hopeful or (isinstance(error, BlockedError) and not untouched):
        again = {"state": LedgerState.READY, "due_ms": now_ms + terms.pause_ms(row.tries)}
        if isinstance(error, PageTokenError):
            again["page_token"] = None
        if isinstance(error, BlockedError):
            again |= {"tries": row.tries - 1, "due_ms": 0}
            wait(tx, job, error.reason, error.message, due_ms=now_ms + terms.probe_ms)
        tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(again))
        return
    if untouched:
        tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(state=LedgerState.DONE))
        job = replace(job, state=JobState.FAILED, reason=error.reason, detail=error.message)
        jobs.save(tx, replace(job, open_folders=0, finished_at=utc_now()))
    else:
        _lose(tx, job, crawl, error, by_shortcut=row.by_shortcut)


def prolong(tx: Connection, crawl: Crawl, *, terms: Terms, now_ms: int) -> None:
    """Write that a page is still being listed: its lease begins anew."""
    in_flight = (folders.c.id == crawl.crawl_id, folders.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(folders).where(*in_flight).values(due_ms=now_ms + terms.lease_ms))


def finish(tx: Connection, record: Record, *, terms: Terms, now_ms: int) -> None:
    """Write what became of files of a batch; outcomes that are known already change nothing."""
    job = jobs.get(tx, record.job_id, lock=True)
    if job is None:
        return
    pending = items.pending(tx, batch_id=record.batch_id)
    known = [outcome for outcome in record.outcomes if outcome.item_id in pending]
    news = [_bounded(outcome, pending[outcome.item_id].tries, terms) for outcome in known]
    items.settle(tx, news, listed=pending)
    stored = [outcome for outcome in news if outcome.state is ItemState.STORED]
    if stored:
        images.record(tx, item_ids=[outcome.item_id for outcome in stored], now=utc_now())
    again = [outcome for outcome in news if outcome.state is ItemState.PENDING]
    settled = len(news) - len(again)
    if record.final:
        left = len(pending) - settled
        pause_ms = terms.pause_ms(max(pending[outcome.item_id].tries + 1 for outcome in again)) if again else 0
        state = LedgerState.READY if left else LedgerState.DONE
        tx.execute(
            update(batches)
            .where(batches.c.id == record.batch_id, batches.c.state != LedgerState.DONE)
            .values(state=state, files=left, due_ms=now_ms + pause_ms)
        )
    else:
        # It tells that it lives: its lease begins anew.
        tx.execute(
            update(batches)
            .where(batches.c.id == record.batch_id, batches.c.state == LedgerState.IN_FLIGHT)
            .values(due_ms=now_ms + terms.lease_ms)
        )
    if settled:
        tx.execute(update(batches).where(batches.c.id == record.batch_id).values(tries=1))
    job = replace(
        job,
        stored=job.stored + len(stored),
        skipped=job.skipped + sum(outcome.state is ItemState.SKIPPED for outcome in news),
        failed=job.failed + sum(outcome.state is ItemState.FAILED for outcome in news),
        bytes_stored=job.bytes_stored + sum(outcome.size_bytes or 0 for outcome in stored),
        bytes_moved=job.bytes_moved + sum(outcome.size_bytes or 0 for outcome in stored if outcome.moved),
    )
    if record.blocked and not job.settled and not job.state.terminal:
        wait(tx, job, record.blocked, record.blocked_detail, due_ms=now_ms + terms.probe_ms)
    else:
        _save(tx, job)


def give_back(tx: Connection, message: Crawl | Transfer) -> None:
    """Write that a message could not be sent: its work is ready again."""
    table, row_id = (folders, message.crawl_id) if isinstance(message, Crawl) else (batches, message.batch_id)
    in_flight = (table.c.id == row_id, table.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(table).where(*in_flight).values(state=LedgerState.READY, due_ms=0, tries=table.c.tries - 1))


def wait(tx: Connection, job: Job, reason: Reason, detail: str | None, *, due_ms: int) -> None:
    """Let a job wait, with what it waits for, until it is due to probe."""
    jobs.save(tx, replace(job, state=JobState.WAITING, reason=reason, detail=detail), due_ms=due_ms)


def _crawls(tx: Connection, job: Job, *, terms: Terms, now_ms: int) -> list[Crawl]:
    ids = _give_out(tx, folders, job, at_most=terms.folders_in_flight_max, terms=terms, now_ms=now_ms)
    if not ids:
        return []
    rows = tx.execute(select(folders).where(folders.c.id.in_(ids)).order_by(folders.c.id))
    return [
        Crawl(
            job_id=job.id,
            source=job.source,
            crawl_id=row.id,
            folder=Folder(id=row.folder_id, name=row.name, resource_key=row.resource_key),
            path=row.path,
            page_token=row.page_token,
            root=row.folder_id == job.folder_id and row.path == "",
        )
        for row in rows
    ]


def _transfers(tx: Connection, job: Job, *, terms: Terms, now_ms: int) -> list[Transfer]:
    ids = _give_out(tx, batches, job, at_most=terms.batches_in_flight_max, terms=terms, now_ms=now_ms)
    if not ids:
        return []
    repeated: dict[int, bool] = dict(
        tx.execute(select(batches.c.id, batches.c.tries > 1).where(batches.c.id.in_(ids))).all()
    )
    return [
        Transfer(
            job_id=job.id,
            source=job.source,
            batch_id=batch_id,
            parcels=tuple(parcels),
            repeated=repeated[batch_id],
        )
        for batch_id, parcels in items.parcels(tx, batch_ids=ids).items()
    ]


def _give_out(tx: Connection, table: Table, job: Job, *, at_most: int, terms: Terms, now_ms: int) -> list[int]:
    room = at_most - tx.execute(_in_flight(table), {"of_job": job.id}).scalar_one()
    if room <= 0:
        return []
    ids = list(tx.execute(_ready(table), {"of_job": job.id, "now_ms": now_ms, "room": room}).scalars())
    if ids:
        given_out = {
            "state": LedgerState.IN_FLIGHT,
            "due_ms": now_ms + terms.queue_ms,  # the first sign of life begins its lease
            "tries": table.c.tries + 1,
        }
        tx.execute(update(table).where(table.c.id.in_(ids)).values(given_out))
    return ids


@cache
def _in_flight(table: Table) -> Select[int]:
    of_job = table.c.job_id == bindparam("of_job")
    return select(func.count()).select_from(table).where(of_job, table.c.state == LedgerState.IN_FLIGHT)


@cache
def _ready(table: Table) -> Select[int]:
    due = (table.c.state == LedgerState.READY, table.c.due_ms <= bindparam("now_ms"))
    query = select(table.c.id).where(table.c.job_id == bindparam("of_job"), *due)
    return query.order_by(table.c.id).limit(bindparam("room", type_=Integer))


def _is_at(tx: Connection, crawl: Crawl) -> bool:
    """True: the page that a crawl lists is the one its folder waits for, and not one told twice."""
    row = tx.execute(_PROGRESS, {"crawl_id": crawl.crawl_id}).one_or_none()
    return row is not None and row.state != LedgerState.DONE and row.page_token == crawl.page_token


_PROGRESS = select(folders.c.state, folders.c.page_token).where(folders.c.id == bindparam("crawl_id"))


def _open(tx: Connection, job: Job, subfolders: Sequence[SubFolder]) -> int:
    """Write the folders that the job has not met; their number."""
    query = select(folders.c.folder_id).where(
        folders.c.job_id == job.id, folders.c.folder_id.in_([sub.folder.id for sub in subfolders])
    )
    known = set(tx.execute(query).scalars()) if subfolders else set()
    new = {sub.folder.id: sub for sub in subfolders if sub.folder.id not in known}
    rows = [
        jobs.NEW_FOLDER
        | {
            "job_id": job.id,
            "folder_id": sub.folder.id,
            "name": sub.folder.name,
            "resource_key": sub.folder.resource_key,
            "path": sub.path,
            "by_shortcut": sub.by_shortcut,
        }
        for sub in new.values()
    ]
    if rows:
        tx.execute(folders.insert(), rows)
    return len(rows)


def _leads_in_circles(tx: Connection, crawl: Crawl, terms: Terms) -> bool:
    row = tx.execute(select(folders.c.pages, folders.c.stale_pages).where(folders.c.id == crawl.crawl_id)).one()
    # A folder that is listed again from its first page brings nothing new until it is where it was.
    return bool(row.stale_pages > row.pages + terms.stale_pages_max)


def _lose(tx: Connection, job: Job, crawl: Crawl, error: ImageferryError, *, by_shortcut: bool = False) -> None:
    """Give up a folder: it is an item that failed, or was skipped where only a shortcut led to it."""
    tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(state=LedgerState.DONE))
    find = _lost_folder(crawl, error, by_shortcut=by_shortcut)
    insert_with_batches(tx, job_id=job.id, finds=[find])
    _save(tx, replace(_discovered(job, [find]), open_folders=job.open_folders - 1))


def _discovered(job: Job, finds: Sequence[Find]) -> Job:
    to_transfer = [find for find in finds if find.state is ItemState.PENDING]
    skipped = [find for find in finds if find.state is ItemState.SKIPPED]
    return replace(
        job,
        discovered=job.discovered + len(finds),
        skipped=job.skipped + len(skipped),
        unchanged=job.unchanged + sum(find.reason is Reason.UNCHANGED for find in skipped),
        failed=job.failed + len(finds) - len(skipped) - len(to_transfer),
        bytes_discovered=job.bytes_discovered + sum(find.file.size_bytes or 0 for find in to_transfer),
    )


def _lost_folder(crawl: Crawl, error: ImageferryError, *, by_shortcut: bool) -> Find:
    dangling = by_shortcut and isinstance(error, NotFoundError)
    return Find(
        file=File(id=crawl.folder.id, name=crawl.folder.name, mime_type=FOLDER_MIME_TYPE),
        folder_id=crawl.folder.id,
        path=crawl.path,
        state=ItemState.SKIPPED if dangling else ItemState.FAILED,
        reason=Reason.DANGLING_SHORTCUT if dangling else error.reason,
        detail=error.message,
    )


def _bounded(outcome: Outcome, tries: int, terms: Terms) -> Outcome:
    if outcome.state is ItemState.PENDING and tries + 1 >= terms.item_tries_max:
        return replace(outcome, state=ItemState.FAILED)
    return outcome


def _save(tx: Connection, job: Job) -> None:
    if job.settled and not job.state.terminal:
        job = replace(job, state=JobState.COMPLETED, reason=None, detail=None, finished_at=utc_now())
    jobs.save(tx, job)
