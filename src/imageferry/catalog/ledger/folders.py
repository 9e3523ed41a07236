"""How far each folder is listed: save its pages, renew its lease, or fail it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Integer, bindparam, select, update

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import job_folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.batches import insert_items
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.listed_pages import (
    ListedPage,
    insert_folders,
    new_files_of,
    new_folders_of,
    without_refused,
)
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
)

BYTES_MAX = 2**63 - 1  # a source may list any sizes; their sum must fit its column
__all__ = ["ListedPage", "page_failed", "renew_lease", "save_pages"]

# States of a job in which its folders are no longer listed.
_LISTING_ENDED = (*(state for state in JobState if state.is_terminal), JobState.CANCELLING)


def save_pages(
    tx: Connection, pages: Sequence[ListedPage], *, policy: LeasePolicy, sorts_out_refused: bool = False
) -> None:
    """Write listed pages of one job: new items and batches, new folders, and the tokens of the next pages.

    A page that its folder no longer waits for is ignored. A folder whose pages come back to an earlier one is listed
    again from its first page, and fails when that does not help, or when its pages bring nothing new for too long.
    With `sorts_out_refused`, each row that the database refuses becomes a failed item, and the rest is written.
    """
    job = jobs.get(tx, pages[0].crawl.job_id, lock=True)
    if job is None or job.state in _LISTING_ENDED:
        return
    pages = _current_pages(tx, pages)
    if not pages:
        return
    if sorts_out_refused:
        pages = [without_refused(tx, job, page) for page in pages]
    new_files = new_files_of(tx, job, pages)
    new_folders = new_folders_of(tx, job, pages)
    insert_folders(tx, job, [sub for folders in new_folders for sub in folders])
    all_new_files = [file for files in new_files for file in files]
    insert_items(tx, job_id=job.id, files=all_new_files)
    tx.execute(
        _SAVE_PAGE,
        [
            _saved_page(page, is_fresh=bool(files or folders))
            for page, files, folders in zip(pages, new_files, new_folders, strict=True)
        ],
    )
    job = _count_discovered(job, all_new_files)
    for page, files, folders in zip(pages, new_files, new_folders, strict=True):
        is_last = page.next_page_token is None
        job = replace(
            job, folder_name=page.folder_name or job.folder_name, open_folders=job.open_folders + len(folders) - is_last
        )
        if not is_last and (why := _endless(tx, page, is_fresh=bool(files or folders), policy=policy)):
            name = page.crawl.folder.name or job.folder_name
            error = PermanentError(Reason.LISTING_INCOMPLETE, f"The listing of the folder {name!r} never ends: {why}.")
            job = _mark_folder_failed(tx, job, page.crawl, error)
    jobs.save(tx, job)


def _saved_page(page: ListedPage, *, is_fresh: bool) -> dict[str, Any]:
    token = page.next_page_token
    is_restarted = page.crawl.comes_back_to(token)
    following = page.crawl.next_page(token) if token is not None and not is_restarted else None
    return {
        "row_id": page.crawl.job_folder_id,
        "new_state": LedgerState.DONE if token is None else LedgerState.READY,
        "new_page_token": following and following.page_token,
        "new_page_number": 1 if following is None else following.page_number,
        "new_checkpoint": following and following.checkpoint,
        "is_fresh": int(is_fresh),
        "is_restarted": int(is_restarted),
    }


_IS_FRESH = bindparam("is_fresh", type_=Integer)
_IS_RESTARTED = bindparam("is_restarted", type_=Integer)
_SAVE_PAGE = (
    update(job_folders)
    .where(job_folders.c.id == bindparam("row_id"))
    .values(
        state=bindparam("new_state"),
        page_token=bindparam("new_page_token"),
        page_number=bindparam("new_page_number"),
        checkpoint=bindparam("new_checkpoint"),
        restarts=job_folders.c.restarts * (1 - _IS_FRESH) + _IS_RESTARTED,
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
    tries = max(row.tries, row.restarts)
    may_retry = isinstance(error, (TransientError, PageTokenError)) and tries < policy.folder_tries_max
    job_waits = isinstance(error, UnreachableError) or (isinstance(error, BlockedError) and not is_unlisted_root)
    if may_retry or job_waits:
        retried = {"state": LedgerState.READY, "available_at_ms": now_ms + policy.backoff_ms(tries)}
        if isinstance(error, PageTokenError):
            retried |= jobs.FIRST_PAGE | {"restarts": row.restarts + 1}
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


def _endless(tx: Connection, page: ListedPage, *, is_fresh: bool, policy: LeasePolicy) -> str | None:
    """Return why listing a folder further would never end; None: it may."""
    is_circle = page.crawl.comes_back_to(page.next_page_token)
    if is_fresh and not is_circle:
        return None
    columns = (job_folders.c.fresh_pages, job_folders.c.stale_pages, job_folders.c.restarts)
    row = tx.execute(select(*columns).where(job_folders.c.id == page.crawl.job_folder_id)).one()
    if is_circle and row.restarts >= policy.folder_tries_max:
        return f"page {page.crawl.page_number} names an earlier page as the next one"
    # A folder listed again from its first page brings nothing new until it reaches the page where it was.
    if row.stale_pages > row.fresh_pages + policy.stale_pages_max:
        return f"its last {row.stale_pages:,} pages had nothing new"
    return None


def _mark_folder_failed(
    tx: Connection, job: Job, crawl: Crawl, error: ImageferryError, *, via_shortcut: bool = False
) -> Job:
    """Stop listing a folder and record it as an item: failed, or skipped if only a dangling shortcut led to it.

    Return the changed job; the caller saves it.
    """
    tx.execute(update(job_folders).where(job_folders.c.id == crawl.job_folder_id).values(state=LedgerState.DONE))
    item = _folder_item(crawl, error, via_shortcut=via_shortcut)
    # The source may have listed a file with the same id.
    new = [] if items.known_ids(tx, job_id=job.id, file_ids=[item.file.id]) else [item]
    insert_items(tx, job_id=job.id, files=new)
    return replace(_count_discovered(job, new), open_folders=job.open_folders - 1)


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
