"""Images in a catalog, recorded through the ledger without transferring anything."""

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

POLICY = LeasePolicy(batches_in_flight_max=1_000)
TAKEN_AT = datetime(2025, 7, 14, 12)  # noqa: DTZ001 - a camera's clock has no zone


@dataclass(kw_only=True)
class ImageRecorder:
    """Imports files into a catalog, for one store that it never writes to."""

    catalog: Catalog
    store_url: str = "memory://"

    async def store(self, *files: File, folder_id: str = "root") -> str:
        """Import a folder of these files. Return the job's id."""
        job_id, transfers = await self.start(*files, folder_id=folder_id)
        await self.finish(transfers)
        return job_id

    async def start(self, *files: File, folder_id: str = "root") -> tuple[str, list[Transfer]]:
        """Start an import of these files. Return the job's id and its transfers."""
        job = Job(
            id=str(uuid4()),
            source="google_drive",
            folder_id=folder_id,
            store=self.store_url,
            options=JobOptions(),
            created_at=TAKEN_AT,
        )
        await self.catalog.write(lambda tx: jobs.create(tx, job))
        (crawl,) = [message for message in await self._dispatch(job.id) if isinstance(message, Crawl)]
        await self.catalog.write(_save_page(crawl, files))
        return job.id, [message for message in await self._dispatch(job.id) if isinstance(message, Transfer)]

    async def finish(self, transfers: list[Transfer]) -> None:
        """Record that every item of these transfers was stored."""
        for transfer in transfers:
            await self.catalog.write(_record_outcomes(stored_record(transfer)))

    async def _dispatch(self, job_id: str) -> list[Crawl | Transfer]:
        return await self.catalog.write(lambda tx: dispatch.dispatch(tx, job_id, policy=POLICY, now_ms=1))


def image_file(file_id: str, name: str | None = None, *, content: bytes = b"", **media: Any) -> File:  # noqa: ANN401 - the fields of Media
    """Return a file as a source lists it."""
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


def taken_on_day(day: int) -> datetime:
    """Return the time that is `day` days after TAKEN_AT."""
    return TAKEN_AT + timedelta(days=day)


def stored_record(transfer: Transfer) -> Record:
    """Return the record of a transfer that stored every item as it was listed."""
    outcomes = tuple(
        Outcome(
            item_id=item.item_id,
            state=ItemState.STORED,
            size_bytes=item.size_bytes,
            md5=item.md5,
            mime_type=item.mime_type,
        )
        for item in transfer.items
    )
    return Record(job_id=transfer.job_id, batch_id=transfer.batch_id, outcomes=outcomes, is_final=True)


def _save_page(crawl: Crawl, files: tuple[File, ...]) -> Callable[[Tx], None]:
    folder_id = crawl.folder.id
    listed = [
        ListedFile(
            file=file,
            folder_id=folder_id,
            path="",
            state=ItemState.PENDING,
            object_key=object_key(folder_id=folder_id, file_id=file.id, name=file.name),
        )
        for file in files
    ]
    return lambda tx: folders.save_pages(tx, [folders.ListedPage(crawl=crawl, files=listed)], policy=POLICY)


def _record_outcomes(record: Record) -> Callable[[Tx], None]:
    return lambda tx: outcomes.record_outcomes(tx, record, policy=POLICY, now_ms=1)
