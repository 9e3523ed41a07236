"""Images in a catalog, written by the ledger's own moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import uuid4

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch, folders, outcomes
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.model import Crawl, File, ItemState, Job, JobOptions, ListedFile, Media, Outcome, Record, Transfer
from imageferry.stores.keys import object_key

TERMS = LeasePolicy(batches_in_flight_max=1_000)
TAKEN_AT = datetime(2025, 7, 14, 12)  # noqa: DTZ001 - a camera's clock has no zone


@dataclass(kw_only=True)
class Recorder:
    """Imports into one store of a catalog, whose bytes nobody carries."""

    catalog: Catalog
    store_url: str = "memory://"

    async def store(self, *files: File, folder_id: str = "root") -> str:
        """Import files as a folder of them; the job's id."""
        job_id, transfers = await self.begin(*files, folder_id=folder_id)
        await self.finish(transfers)
        return job_id

    async def begin(self, *files: File, folder_id: str = "root") -> tuple[str, list[Transfer]]:
        """Begin to import files: the job's id, and what its transfers carry."""
        job = Job(
            id=str(uuid4()),
            source="google_drive",
            folder_id=folder_id,
            store=self.store_url,
            options=JobOptions(),
            created_at=TAKEN_AT,
        )
        await self.catalog.write(lambda tx: jobs.accept(tx, job))
        (crawl,) = [message for message in await self._dispatch(job.id) if isinstance(message, Crawl)]
        await self.catalog.write(_advancing(crawl, files))
        return job.id, [message for message in await self._dispatch(job.id) if isinstance(message, Transfer)]

    async def finish(self, transfers: list[Transfer]) -> None:
        """Record that everything was stored."""
        for transfer in transfers:
            await self.catalog.write(_finishing(stored(transfer)))

    async def _dispatch(self, job_id: str) -> list[Crawl | Transfer]:
        return await self.catalog.write(lambda tx: dispatch.dispatch(tx, job_id, terms=TERMS, now_ms=1))


def file(file_id: str, name: str | None = None, *, content: bytes = b"", **media: Any) -> File:  # noqa: ANN401 - of Media
    """A file as it is listed."""
    digest = md5(content or file_id.encode(), usedforsecurity=False).hexdigest()
    name = name or f"{file_id}.jpg"
    size_bytes = media.pop("size_bytes", 10)
    mime_type = media.pop("mime_type", "image/jpeg")
    return File(
        id=file_id,
        name=name,
        mime_type=mime_type,
        size_bytes=size_bytes,
        md5=digest,
        version=digest,
        media=Media(**media),
    )


def taken(day: int) -> datetime:
    """A moment, so many days after the first."""
    return TAKEN_AT + timedelta(days=day)


def stored(transfer: Transfer) -> Record:
    """What a transfer tells when it has stored everything as it was listed."""
    outcomes = tuple(
        Outcome(
            item_id=parcel.item_id,
            state=ItemState.STORED,
            size_bytes=parcel.size_bytes,
            md5=parcel.md5,
            mime_type=parcel.mime_type,
        )
        for parcel in transfer.parcels
    )
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, final=True)


def _advancing(crawl: Crawl, files: tuple[File, ...]) -> Callable[[Tx], None]:
    folder_id = crawl.folder.id
    finds = [
        ListedFile(
            file=file,
            folder_id=folder_id,
            path="",
            state=ItemState.PENDING,
            object_key=object_key(folder_id=folder_id, file_id=file.id, name=file.name),
        )
        for file in files
    ]
    return lambda tx: folders.advance(tx, [folders.ListedPage(crawl=crawl, finds=finds)], terms=TERMS)


def _finishing(record: Record) -> Callable[[Tx], None]:
    return lambda tx: outcomes.finish(tx, record, terms=TERMS, now_ms=1)
