"""The ledger's moves of folders: advance, stumble and prolong tell how far each is listed."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Integer, bindparam, select, update

from imageferry.catalog.database.in_list import among
from imageferry.catalog.database.tables import folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.batches import insert_with_batches
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import utc_now
from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    TransientError,
    UnreachableError,
)
from imageferry.model import (
    FOLDER_MIME_TYPE,
    Crawl,
    File,
    ItemState,
    Job,
    JobState,
    LedgerState,
    ListedFile,
    SubFolder,
)

# Nothing is listed any more.
_CLOSED = (*(state for state in JobState if state.terminal), JobState.CANCELLING)


class ListedPage(Struct, frozen=True, kw_only=True):
    """What a crawl brought."""

    crawl: Crawl
    finds: Sequence[ListedFile]
    subfolders: Sequence[SubFolder] = ()
    next_page_token: str | None = None  # None: the folder is listed to its end
    folder_name: str | None = None  # the root's, when this is its first page


def advance(tx: Connection, pages: Sequence[ListedPage], *, terms: LeasePolicy) -> None:
    """Write pages of one job: their new items and batches, their new folders, and which pages are next.

    A folder whose pages bring nothing new for too long leads in circles, and is lost.
    """
    job = jobs.get(tx, pages[0].crawl.job_id, lock=True)
    if job is None or job.state in _CLOSED:
        return
    pages = _awaited(tx, pages)
    if not pages:
        return
    new = _new_finds(tx, job, pages)
    opened = _open(tx, job, pages)
    insert_with_batches(tx, job_id=job.id, finds=[find for finds in new for find in finds])
    tx.execute(
        _ADVANCE,
        [
            {
                "crawl_id": page.crawl.crawl_id,
                "new_state": LedgerState.READY if page.next_page_token else LedgerState.DONE,
                "new_page_token": page.next_page_token,
                "news": int(bool(finds or folders_opened)),
            }
            for page, finds, folders_opened in zip(pages, new, opened, strict=True)
        ],
    )
    job = _discovered(job, [find for finds in new for find in finds])
    for page, finds, folders_opened in zip(pages, new, opened, strict=True):
        ended = page.next_page_token is None
        job = replace(
            job, folder_name=page.folder_name or job.folder_name, open_folders=job.open_folders + folders_opened - ended
        )
        if not (ended or finds or folders_opened) and _leads_in_circles(tx, page.crawl, terms):
            error = PermanentError(Reason.LISTING_INCOMPLETE, "The source's pages of this folder lead in circles.")
            job = _lose(tx, job, page.crawl, error)
    jobs.save(tx, job)


_NEWS = bindparam("news", type_=Integer)
_ADVANCE = (
    update(folders)
    .where(folders.c.id == bindparam("crawl_id"))
    .values(
        state=bindparam("new_state"),
        page_token=bindparam("new_page_token"),
        pages=folders.c.pages + _NEWS,
        stale_pages=(folders.c.stale_pages + 1) * (1 - _NEWS),
        tries=0,
        due_ms=0,
    )
)


def stumble(tx: Connection, crawl: Crawl, *, error: ImageferryError, terms: LeasePolicy, now_ms: int) -> None:
    """Write that a page could not be listed: the folder is listed again, or fails; a root that fails fails its job."""
    job = jobs.get(tx, crawl.job_id, lock=True)
    if job is None or job.state in _CLOSED or not _is_at(tx, crawl):
        return
    row = tx.execute(select(folders).where(folders.c.id == crawl.crawl_id)).one()
    untouched = row.folder_id == job.folder_id and row.pages == 0
    hopeful = isinstance(error, (TransientError, PageTokenError)) and row.tries < terms.folder_tries_max
    waits = isinstance(error, UnreachableError) or (isinstance(error, BlockedError) and not untouched)
    if hopeful or waits:
        again = {"state": LedgerState.READY, "due_ms": now_ms + terms.pause_ms(row.tries)}
        if isinstance(error, PageTokenError):
            again["page_token"] = None
        if waits:
            again |= {"tries": row.tries - 1, "due_ms": 0}
            jobs.wait(tx, job, error.reason, error.message, due_ms=now_ms + terms.probe_ms)
        tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(again))
        return
    if untouched:
        tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(state=LedgerState.DONE))
        job = replace(job, state=JobState.FAILED, reason=error.reason, detail=error.message)
        jobs.save(tx, replace(job, open_folders=0, finished_at=utc_now()))
    else:
        jobs.save(tx, _lose(tx, job, crawl, error, by_shortcut=row.by_shortcut))


def prolong(tx: Connection, crawl: Crawl, *, terms: LeasePolicy, now_ms: int) -> None:
    """Write that a page is still being listed: its lease begins anew."""
    in_flight = (folders.c.id == crawl.crawl_id, folders.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(folders).where(*in_flight).values(due_ms=now_ms + terms.lease_ms))


def _is_at(tx: Connection, crawl: Crawl) -> bool:
    """True: the page that a crawl lists is the one its folder waits for, and not one told twice."""
    return bool(_awaited(tx, [ListedPage(crawl=crawl, finds=())]))


def _awaited(tx: Connection, pages: Sequence[ListedPage]) -> list[ListedPage]:
    """Those that their folders wait for, and not the ones told twice."""
    rows = tx.execute(_PROGRESS, {"crawl_ids": [page.crawl.crawl_id for page in pages]})
    awaited = {row.id: row.page_token for row in rows if row.state not in {LedgerState.DONE, LedgerState.WITHDRAWN}}
    timely = [
        page
        for page in pages
        if page.crawl.crawl_id in awaited and awaited[page.crawl.crawl_id] == page.crawl.page_token
    ]
    return list({page.crawl.crawl_id: page for page in reversed(timely)}.values())[::-1]


_PROGRESS = select(folders.c.id, folders.c.state, folders.c.page_token).where(among(folders.c.id, "crawl_ids"))


def _new_finds(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[list[ListedFile]]:
    """By page, the files that the job has not met; of one that is listed twice, the first."""
    met = items.known_ids(tx, job_id=job.id, file_ids=[find.file.id for page in pages for find in page.finds])
    new: list[list[ListedFile]] = []
    for page in pages:
        found = {find.file.id: find for find in reversed(page.finds) if find.file.id not in met}
        met |= found.keys()
        new.append(list(found.values())[::-1])
    return new


def _open(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[int]:
    """Write the folders that the job has not met; their number, by page."""
    listed = [sub.folder.id for page in pages for sub in page.subfolders]
    met = set(tx.execute(_KNOWN_FOLDERS, {"of_job": job.id, "folder_ids": listed}).scalars()) if listed else set()
    rows: list[dict[str, Any]] = []
    opened = []
    for page in pages:
        new = {sub.folder.id: sub for sub in page.subfolders if sub.folder.id not in met}
        met |= new.keys()
        opened.append(len(new))
        rows += [_row(job, sub) for sub in new.values()]
    if rows:
        tx.execute(folders.insert(), rows)
    return opened


_KNOWN_FOLDERS = select(folders.c.folder_id).where(
    folders.c.job_id == bindparam("of_job"), among(folders.c.folder_id, "folder_ids")
)


def _row(job: Job, sub: SubFolder) -> dict[str, Any]:
    return jobs.NEW_FOLDER | {
        "job_id": job.id,
        "folder_id": sub.folder.id,
        "name": sub.folder.name,
        "resource_key": sub.folder.resource_key,
        "path": sub.path,
        "by_shortcut": sub.by_shortcut,
    }


def _leads_in_circles(tx: Connection, crawl: Crawl, terms: LeasePolicy) -> bool:
    row = tx.execute(select(folders.c.pages, folders.c.stale_pages).where(folders.c.id == crawl.crawl_id)).one()
    # A folder that is listed again from its first page brings nothing new until it is where it was.
    return bool(row.stale_pages > row.pages + terms.stale_pages_max)


def _lose(tx: Connection, job: Job, crawl: Crawl, error: ImageferryError, *, by_shortcut: bool = False) -> Job:
    """Give up a folder: it is an item that failed, or was skipped where only a shortcut led to it; the job then."""
    tx.execute(update(folders).where(folders.c.id == crawl.crawl_id).values(state=LedgerState.DONE))
    find = _lost_folder(crawl, error, by_shortcut=by_shortcut)
    insert_with_batches(tx, job_id=job.id, finds=[find])
    return replace(_discovered(job, [find]), open_folders=job.open_folders - 1)


def _lost_folder(crawl: Crawl, error: ImageferryError, *, by_shortcut: bool) -> ListedFile:
    dangling = by_shortcut and isinstance(error, NotFoundError)
    return ListedFile(
        file=File(id=crawl.folder.id, name=crawl.folder.name, mime_type=FOLDER_MIME_TYPE),
        folder_id=crawl.folder.id,
        path=crawl.path,
        state=ItemState.SKIPPED if dangling else ItemState.FAILED,
        reason=Reason.DANGLING_SHORTCUT if dangling else error.reason,
        detail=error.message,
    )


def _discovered(job: Job, finds: Sequence[ListedFile]) -> Job:
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
