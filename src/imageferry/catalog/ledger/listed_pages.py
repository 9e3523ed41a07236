"""Listed pages: which of their files and folders are new to the job, and which the database refuses."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.refusals import find_refused
from imageferry.catalog.database.tables import job_folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.batches import NAME_LENGTH_MAX, insert_items
from imageferry.errors import Reason
from imageferry.model import Crawl, File, Folder, ItemState, Job, ListedFile, SubFolder


class ListedPage(Struct, frozen=True, kw_only=True):
    """One listed page of a folder."""

    crawl: Crawl
    files: Sequence[ListedFile]
    subfolders: Sequence[SubFolder] = ()
    next_page_token: str | None = None  # None: this was the last page
    folder_name: str | None = None  # of the root, on its first page


def new_files_of(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[list[ListedFile]]:
    """Return the files that the job does not know yet, by page. Of a file listed twice, the first one counts."""
    known = items.known_ids(tx, job_id=job.id, file_ids=[file.file.id for page in pages for file in page.files])
    new: list[list[ListedFile]] = []
    for page in pages:
        by_id = {file.file.id: file for file in reversed(page.files) if file.file.id not in known}
        known |= by_id.keys()
        new.append(list(by_id.values())[::-1])
    return new


def new_folders_of(tx: Connection, job: Job, pages: Sequence[ListedPage]) -> list[list[SubFolder]]:
    """Return the folders that the job does not know yet, by page."""
    listed = [sub.folder.id for page in pages for sub in page.subfolders]
    known = set(tx.execute(_KNOWN_FOLDERS, {"of_job": job.id, "folder_ids": listed}).scalars()) if listed else set()
    new_folders: list[list[SubFolder]] = []
    for page in pages:
        new = {sub.folder.id: sub for sub in page.subfolders if sub.folder.id not in known}
        known |= new.keys()
        new_folders.append(list(new.values()))
    return new_folders


def insert_folders(tx: Connection, job: Job, new: Sequence[SubFolder]) -> None:
    """Insert folders that are ready to be listed."""
    if new:
        tx.execute(job_folders.insert(), [_folder_row(job, sub) for sub in new])


def without_refused(tx: Connection, job: Job, page: ListedPage) -> ListedPage:
    """Return a page with a failed file in place of each new file or folder whose row the database refuses."""
    (files,), (folders,) = new_files_of(tx, job, [page]), new_folders_of(tx, job, [page])
    refused_files = find_refused(tx, files, lambda some: insert_items(tx, job_id=job.id, files=some))
    refused_folders = find_refused(tx, folders, lambda some: insert_folders(tx, job, some))
    refused = {
        entry.id: ListedFile(
            file=File(id=entry.id, name=_storable(entry.name)),
            folder_id=page.crawl.folder.id,
            path=page.crawl.path,
            state=ItemState.FAILED,
            reason=Reason.INVALID_ENTRY,
            detail=f"The catalog can't hold what the source lists of it: {why}.",
        )
        for entry, why in _entries(refused_files, refused_folders)
    }
    return replace(
        page,
        files=[*(file for file in files if file.file.id not in refused), *refused.values()],
        subfolders=[sub for sub in folders if sub.folder.id not in refused],
        folder_name=page.folder_name and _storable(page.folder_name),
    )


def _entries(
    files: Sequence[tuple[ListedFile, str]], folders: Sequence[tuple[SubFolder, str]]
) -> Iterator[tuple[File | Folder, str]]:
    for file, why in files:
        yield file.file, why
    for sub, why in folders:
        yield sub.folder, why


def _storable(name: str) -> str:
    return name.encode(errors="replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")[:255]


_KNOWN_FOLDERS = select(job_folders.c.folder_id).where(
    job_folders.c.job_id == bindparam("of_job"), in_list(job_folders.c.folder_id, "folder_ids")
)


def _folder_row(job: Job, sub: SubFolder) -> dict[str, Any]:
    return jobs.NEW_FOLDER | {
        "job_id": job.id,
        "folder_id": sub.folder.id,
        "name": sub.folder.name[:NAME_LENGTH_MAX],
        "resource_key": sub.folder.resource_key,
        "path": sub.path,
        "via_shortcut": sub.via_shortcut,
    }
