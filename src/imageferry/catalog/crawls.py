"""The ledger's moves of folders: advance, stumble and prolong tell how far each is listed."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, update

from imageferry.catalog import items, jobs
from imageferry.catalog.batching import insert_with_batches
from imageferry.catalog.tables import folders
from imageferry.catalog.terms import Terms
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
    ItemState,
    Job,
    JobState,
    LedgerState,
    SubFolder,
)


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
        jobs.save(tx, job)


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
            jobs.wait(tx, job, error.reason, error.message, due_ms=now_ms + terms.probe_ms)
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
    jobs.save(tx, replace(_discovered(job, [find]), open_folders=job.open_folders - 1))


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
