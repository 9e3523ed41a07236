"""How far each folder is listed: save its pages, renew its lease, or fail it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Integer, bindparam, select, update

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import job_folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.batches import insert_items
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

BYTES_MAX = 2**63 - 1  # a source may list any sizes; their sum must fit its column
# States of a job in which its folders are no longer listed.
_LISTING_ENDED = (*(state for state in JobState if state.is_terminal), JobState.CANCELLING)


class ListedPage(Struct, frozen=True, kw_only=True):
    """One listed page of a folder."""

    crawl: Crawl
    files: Sequence[ListedFile]
    subfolders: Sequence[SubFolder] = ()
    next_page_token: str | None = None  # None: this was the last page
    folder_name: str | None = None  # of the root, on its first page


def save_pages(tx: Connection, pages: Sequence[ListedPage], *, policy: LeasePolicy) -> None:
    """Write listed pages of one job: new items and batches, new folders, and the tokens of the next pages.

    A page that its folder no longer waits for is ignored. A folder whose pages bring nothing new for too long loops
    and fails.
    """
    job = jobs.get(tx, pages[0].crawl.job_id, lock=True)
    if job is None or job.state in _LISTING_ENDED:
        return
    pages = _current_pages(tx, pages)
    if not pages:
        return
    new_files = _new_files(tx, job, pages)
    new_folders = _add_folders(tx, job, pages)
    all_new_files = [file for files in new_files for file in files]
    insert_items(tx, job_id=job.id, files=all_new_files)
    tx.execute(
        _SAVE_PAGE,
        [
            {
                "row_id": page.crawl.job_folder_id,
                "new_state": LedgerState.READY if page.next_page_token else LedgerState.DONE,
                "new_page_token": page.next_page_token,
                "is_fresh": int(bool(files or folder_count)),
            }
            for page, files, folder_count in zip(pages, new_files, new_folders, strict=True)
        ],
    )
    job = _count_discovered(job, all_new_files)
    for page, files, folder_count in zip(pages, new_files, new_folders, strict=True):
        is_last = page.next_page_token is None
        job = replace(
            job, folder_name=page.folder_name or job.folder_name, open_folders=job.open_folders + folder_count - is_last
        )
        if not (is_last or files or folder_count) and _is_looping(tx, page.crawl, policy):
            error = PermanentError(Reason.LISTING_INCOMPLETE, "The source's pages of this folder repeat in a loop.")
            job = _mark_folder_failed(tx, job, page.crawl, error)
    jobs.save(tx, job)


_IS_FRESH = bindparam("is_fresh", type_=Integer)
_SAVE_PAGE = (
    update(job_folders)
    .where(job_folders.c.id == bindparam("row_id"))
    .values(
        state=bindparam("new_state"),
        page_token=bindparam("new_page_token"),
        fresh_pages=job_folders.c.fresh_pages + _IS_FRESH,
        stale_pages=(job_folders.c.stale_pages + 1) * (1 - _IS_FRESH),
        tries=0,
        available_at_ms=0,
    )
)


def page_failed(tx: Connection, crawl: Crawl, *, error: ImageferryError, policy: LeasePolicy, now_ms: int) -> None:
    """Record that a page of a folder could not be listed.

    A TransientError, or a PageTokenError, which starts from the first page again: the folder is retried after a
    backoff, at most `folder_tries_max` times. An UnreachableError, or a BlockedError: the job waits, and the try is
    not counted. Otherwise, the folder becomes a failed item. While nothing of the root is listed, the job fails
    instead, also for a BlockedError. A page that its folder no longer waits for is ignored.
    """
    job = jobs.get(tx, crawl.job_id, lock=True)
    if job is None or job.state in _LISTING_ENDED or not _is_current(tx, crawl):
        return
    row = tx.execute(select(job_folders).where(job_folders.c.id == crawl.job_folder_id)).one()
    is_unlisted_root = row.folder_id == job.folder_id and row.fresh_pages == 0
    may_retry = isinstance(error, (TransientError, PageTokenError)) and row.tries < policy.folder_tries_max
    job_waits = isinstance(error, UnreachableError) or (isinstance(error, BlockedError) and not is_unlisted_root)
    if may_retry or job_waits:
        retried = {"state": LedgerState.READY, "available_at_ms": now_ms + policy.backoff_ms(row.tries)}
        if isinstance(error, PageTokenError):
            retried["page_token"] = None
        if job_waits:
            retried |= {"tries": row.tries - 1, "available_at_ms": 0}
            jobs.set_waiting(tx, job, error.reason, error.message, probe_at_ms=now_ms + policy.probe_interval_ms)
        tx.execute(update(job_folders).where(job_folders.c.id == crawl.job_folder_id).values(retried))
        return
    if is_unlisted_root:
        tx.execute(update(job_folders).where(job_folders.c.id == crawl.job_folder_id).values(state=LedgerState.DONE))
        job = replace(job, state=JobState.FAILED, reason=error.reason, detail=error.message)
        jobs.save(tx, replace(job, open_folders=0, finished_at=utc_now()))
    else:
        jobs.save(tx, _mark_folder_failed(tx, job, crawl, error, via_shortcut=row.via_shortcut))


def renew_lease(tx: Connection, crawl: Crawl, *, policy: LeasePolicy, now_ms: int) -> None:
    """Extend the lease of a folder whose page is still being listed."""
    in_flight = (job_folders.c.id == crawl.job_folder_id, job_folders.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(job_folders).where(*in_flight).values(lease_until_ms=now_ms + policy.lease_ms))


def _is_current(tx: Connection, crawl: Crawl) -> bool:
    """Return whether a crawl's page is the one that its folder waits for, not a duplicate."""
    return bool(_current_pages(tx, [ListedPage(crawl=crawl, files=())]))


def _current_pages(tx: Connection, pages: Sequence[ListedPage]) -> list[ListedPage]:
    """Return the pages that their folders wait for, without duplicates."""
    rows = tx.execute(_NEXT_PAGES, {"row_ids": [page.crawl.job_folder_id for page in pages]})
    next_tokens = {row.id: row.page_token for row in rows if row.state not in {LedgerState.DONE, LedgerState.WITHDRAWN}}
    current = [
        page
        for page in pages
        if page.crawl.job_folder_id in next_tokens and next_tokens[page.crawl.job_folder_id] == page.crawl.page_token
    ]
    return list({page.crawl.job_folder_id: page for page in reversed(current)}.values())[::-1]


_NEXT_PAGES = select(job_folders.c.id, job_folders.c.state, job_folders.c.page_token).where(
    in_list(job_folders.c.id, "row_ids")
)


def _new_files(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[list[ListedFile]]:
    """Return the files that the job does not know yet, by page. Of a file listed twice, the first one counts."""
    known = items.known_ids(tx, job_id=job.id, file_ids=[file.file.id for page in pages for file in page.files])
    new: list[list[ListedFile]] = []
    for page in pages:
        by_id = {file.file.id: file for file in reversed(page.files) if file.file.id not in known}
        known |= by_id.keys()
        new.append(list(by_id.values())[::-1])
    return new


def _add_folders(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[int]:
    """Insert the folders that the job does not know yet. Return their number, by page."""
    listed = [sub.folder.id for page in pages for sub in page.subfolders]
    known = set(tx.execute(_KNOWN_FOLDERS, {"of_job": job.id, "folder_ids": listed}).scalars()) if listed else set()
    rows: list[dict[str, Any]] = []
    counts = []
    for page in pages:
        new = {sub.folder.id: sub for sub in page.subfolders if sub.folder.id not in known}
        known |= new.keys()
        counts.append(len(new))
        rows += [_folder_row(job, sub) for sub in new.values()]
    if rows:
        tx.execute(job_folders.insert(), rows)
    return counts


_KNOWN_FOLDERS = select(job_folders.c.folder_id).where(
    job_folders.c.job_id == bindparam("of_job"), in_list(job_folders.c.folder_id, "folder_ids")
)


def _folder_row(job: Job, sub: SubFolder) -> dict[str, Any]:
    return jobs.NEW_FOLDER | {
        "job_id": job.id,
        "folder_id": sub.folder.id,
        "name": sub.folder.name,
        "resource_key": sub.folder.resource_key,
        "path": sub.path,
        "via_shortcut": sub.via_shortcut,
    }


def _is_looping(tx: Connection, crawl: Crawl, policy: LeasePolicy) -> bool:
    row = tx.execute(
        select(job_folders.c.fresh_pages, job_folders.c.stale_pages).where(job_folders.c.id == crawl.job_folder_id)
    ).one()
    # A folder listed again from its first page brings nothing new until it reaches the page where it was.
    return bool(row.stale_pages > row.fresh_pages + policy.stale_pages_max)


def _mark_folder_failed(
    tx: Connection, job: Job, crawl: Crawl, error: ImageferryError, *, via_shortcut: bool = False
) -> Job:
    """Stop listing a folder and record it as an item: failed, or skipped if only a dangling shortcut led to it.

    Return the changed job; the caller saves it.
    """
    tx.execute(update(job_folders).where(job_folders.c.id == crawl.job_folder_id).values(state=LedgerState.DONE))
    item = _folder_item(crawl, error, via_shortcut=via_shortcut)
    insert_items(tx, job_id=job.id, files=[item])
    return replace(_count_discovered(job, [item]), open_folders=job.open_folders - 1)


def _folder_item(crawl: Crawl, error: ImageferryError, *, via_shortcut: bool) -> ListedFile:
    is_dangling = via_shortcut and isinstance(error, NotFoundError)
    return ListedFile(
        file=File(id=crawl.folder.id, name=crawl.folder.name, mime_type=FOLDER_MIME_TYPE),
        folder_id=crawl.folder.id,
        path=crawl.path,
        state=ItemState.SKIPPED if is_dangling else ItemState.FAILED,
        reason=Reason.DANGLING_SHORTCUT if is_dangling else error.reason,
        detail=error.message,
    )


def _count_discovered(job: Job, files: Sequence[ListedFile]) -> Job:
    to_transfer = [file for file in files if file.state is ItemState.PENDING]
    skipped = [file for file in files if file.state is ItemState.SKIPPED]
    listed_bytes = sum(file.file.size_bytes or 0 for file in to_transfer)
    return replace(
        job,
        discovered=job.discovered + len(files),
        skipped=job.skipped + len(skipped),
        unchanged=job.unchanged + sum(file.reason is Reason.UNCHANGED for file in skipped),
        failed=job.failed + len(files) - len(skipped) - len(to_transfer),
        bytes_discovered=min(job.bytes_discovered + listed_bytes, BYTES_MAX),
    )
