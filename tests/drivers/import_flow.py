"""The whole flow in this process: what the import command does, without its words."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, select

from imageferry.bootstrap.limits import Limits
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import batches, folders, images, items
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.cli.handlers.import_ import Ending, import_folder
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.model import Job, JobOptions, JobState
from imageferry.settings import Settings
from imageferry.sources.retry import Patience
from imageferry.stores.keys import thumbnail_keys

LOOK_EVERY_S = 0.005
# Everything that fails is tried as often as ever, but soon.
QUICK = Limits(
    terms=LeasePolicy(again_ms=20, again_ms_max=200, probe_ms=200),
    sweep_every_s=0.05,
    patience=Patience(wait_s_min=0.01, wait_s_max=0.05),
    cool_down_s=0.2,
    store_timeout_s=2,
    store_retry_timeout_s=3,
    catalog_patience_s=3,
)


@dataclass(kw_only=True)
class Flow:
    """Imports from a stand-in into a home of its own, and what stands there afterwards."""

    drive: StandIn
    home: Path
    given: dict[str, Any] = field(default_factory=dict)  # settings that differ from the embedded default
    limits: Limits = QUICK
    held: Callable[[], dict[str, bytes]] | None = None  # what the store holds, when it is no folder of this machine
    seen: list[Job] = field(default_factory=list)  # the job, each time it was looked at

    @property
    def settings(self) -> Settings:
        ours = {
            "home": self.home,
            "store_url": str(self.home / "store"),
            "database_url": f"sqlite:///{self.home / 'catalog.db'}",
            "google_api_key": self.drive.api_key,
            "google_drive_endpoint": self.drive.url,
            "google_drive_web_endpoint": self.drive.url,
        }
        return Settings.load(**ours | self.given)

    async def run(self, root: Node | str, *, options: JobOptions | None = None) -> Ending:
        url = root if isinstance(root, str) else self.drive.folder_url(root)
        return await import_folder(
            url,
            settings=self.settings,
            options=options or JobOptions(),
            begun=_not_told,
            show=self.seen.append,
            limits=self.limits,
        )

    async def downloads(self, at_least: int, *, during: asyncio.Task[Ending] | None = None) -> None:
        """Wait until so many files were asked for; fails when the import that is to ask for them ends before."""
        while self.drive.requests.count(Operation.MEDIA) < at_least:
            assert during is None or not during.done(), f"It ended before: {during.result()}"
            await asyncio.sleep(LOOK_EVERY_S)

    async def rows(self, table: Table, *, of: Job | None = None) -> list[Row[Any]]:
        catalog = Catalog(self.settings.catalog_url)
        try:
            query = select(table).order_by(*table.primary_key)
            query = query if of is None else query.where(table.c.job_id == of.id)
            return list(await catalog.read(lambda tx: tx.execute(query).all()))
        finally:
            await catalog.close()

    async def records(self) -> dict[str, Row[Any]]:
        return {row.file_id: row for row in await self.rows(images)}

    async def items(self, job: Job) -> dict[str, Row[Any]]:
        return {row.file_id: row for row in await self.rows(items, of=job)}

    def objects(self) -> dict[str, bytes]:
        """All that the store holds, by key; of a folder every file, staged ones too."""
        if self.held is not None:
            return self.held()
        store = self.home / "store"
        return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}

    async def job(self) -> Job:
        """The newest job, as the catalog has it."""
        catalog = Catalog(self.settings.catalog_url)
        try:
            (job,) = await catalog.read(lambda tx: jobs.latest(tx, limit=1))
        finally:
            await catalog.close()
        return job

    async def jobs(self) -> dict[str, Job]:
        """The jobs of the catalog, by their ids."""
        catalog = Catalog(self.settings.catalog_url)
        try:
            found = await catalog.read(lambda tx: jobs.latest(tx, limit=1000))
        finally:
            await catalog.close()
        return {job.id: job for job in found}

    async def holds_together(self, ended: Ending | Job) -> None:
        """What must hold at the end of every run."""
        job = ended.job if isinstance(ended, Ending) else ended
        assert job.state in {JobState.COMPLETED, JobState.CANCELLED}
        assert job.discovered == job.stored + job.skipped + job.failed
        states = [row.state for row in (await self.items(job)).values()]
        assert len(states) == job.discovered
        assert (states.count("stored"), states.count("skipped"), states.count("failed")) == (
            job.stored,
            job.skipped,
            job.failed,
        )
        unlisted = {"done"} if job.state is JobState.COMPLETED else {"done", "closed"}
        for table, ends in ((batches, {"done", "closed"}), (folders, unlisted)):
            assert {row.state for row in await self.rows(table, of=job)} <= ends
        processed = [seen.processed for seen in self.seen if seen.id == job.id]
        assert processed == sorted(processed)
        await self.store_is_the_catalogs()

    async def store_is_the_catalogs(self) -> None:
        """What must hold of the store at any end, also of a job that waits: whole objects, each with its record."""
        records = {row.object_key: row for row in (await self.records()).values()}
        objects = self.objects()
        thumbnails = {key for record in records.values() for key in thumbnail_keys(record.object_key)}
        assert records.keys() == objects.keys() - thumbnails
        for key, record in records.items():
            assert md5(objects[key], usedforsecurity=False).hexdigest() == record.md5
            assert len(objects[key]) == record.size_bytes


def _not_told(*_: object, **__: object) -> None:
    pass
