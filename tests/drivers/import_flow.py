"""Imports in this process, as the import command runs them, and checks of their results."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, select

from imageferry.application.import_job import run_import
from imageferry.application.results import ImportResult
from imageferry.bootstrap.limits import Limits
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import batches, images, items, job_folders
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.model import Job, JobOptions, JobState
from imageferry.settings import Settings
from imageferry.sources.retry import RetryPolicy
from imageferry.stores.keys import thumbnail_keys

POLL_INTERVAL_S = 0.005
# As many retries as in production, but with short waits.
FAST_LIMITS = Limits(
    lease_policy=LeasePolicy(backoff_ms_min=20, backoff_ms_max=200, probe_interval_ms=200),
    sweep_interval_s=0.05,
    source_retry_policy=RetryPolicy(wait_s_min=0.01, wait_s_max=0.05),
    block_cooldown_s=0.2,
    store_timeout_s=2,
    store_retry_timeout_s=3,
    catalog_retry_timeout_s=3,
)


@dataclass(kw_only=True)
class ImportFlow:
    """Imports from the Drive test server into a home directory of its own, and reads what is stored there."""

    drive: DriveTestServer
    home: Path
    setting_overrides: dict[str, Any] = field(default_factory=dict)  # of the defaults
    limits: Limits = FAST_LIMITS
    read_objects: Callable[[], dict[str, bytes]] | None = None  # for a store that is not a local folder
    progress: list[Job] = field(default_factory=list)  # the job at each progress update

    @property
    def settings(self) -> Settings:
        defaults = {
            "home": self.home,
            "store_url": str(self.home / "store"),
            "database_url": f"sqlite:///{self.home / 'catalog.db'}",
            "google_api_key": self.drive.api_key,
            "google_drive_endpoint": self.drive.url,
            "google_drive_web_endpoint": self.drive.url,
        }
        return Settings.load(**defaults | self.setting_overrides)

    async def run(self, root: Node | str, *, options: JobOptions | None = None) -> ImportResult:
        url = root if isinstance(root, str) else self.drive.folder_url(root)
        return await run_import(
            url,
            settings=self.settings,
            options=options or JobOptions(),
            on_progress=self.progress.append,
            limits=self.limits,
        )

    async def wait_for_downloads(self, count_min: int, *, during: asyncio.Task[ImportResult] | None = None) -> None:
        """Wait until this many downloads were requested. Fail if the import `during` which they happen ends first."""
        while self.drive.requests.count(Operation.MEDIA) < count_min:
            assert during is None or not during.done(), f"The import ended first: {during.result()}"
            await asyncio.sleep(POLL_INTERVAL_S)

    async def rows(self, table: Table, *, job: Job | None = None) -> list[Row[Any]]:
        catalog = Catalog(self.settings.catalog_url)
        try:
            query = select(table).order_by(*table.primary_key)
            query = query if job is None else query.where(table.c.job_id == job.id)
            return list(await catalog.read(lambda tx: tx.execute(query).all()))
        finally:
            await catalog.close()

    async def records(self) -> dict[str, Row[Any]]:
        return {row.file_id: row for row in await self.rows(images)}

    async def items(self, job: Job) -> dict[str, Row[Any]]:
        return {row.file_id: row for row in await self.rows(items, job=job)}

    def objects(self) -> dict[str, bytes]:
        """Return all objects of the store by key. Of a local folder that is every file, including staged ones."""
        if self.read_objects is not None:
            return self.read_objects()
        store = self.home / "store"
        return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}

    async def job(self) -> Job:
        """Return the newest job from the catalog."""
        catalog = Catalog(self.settings.catalog_url)
        try:
            (job,) = await catalog.read(lambda tx: jobs.newest(tx, limit=1))
        finally:
            await catalog.close()
        return job

    async def jobs(self) -> dict[str, Job]:
        """Return the jobs of the catalog by id."""
        catalog = Catalog(self.settings.catalog_url)
        try:
            found = await catalog.read(lambda tx: jobs.newest(tx, limit=1000))
        finally:
            await catalog.close()
        return {job.id: job for job in found}

    async def assert_consistent(self, result: ImportResult | Job) -> None:
        """Check the invariants of every finished import."""
        job = result.job if isinstance(result, ImportResult) else result
        assert job.state in {JobState.COMPLETED, JobState.CANCELLED}
        assert job.discovered == job.stored + job.skipped + job.failed
        states = [row.state for row in (await self.items(job)).values()]
        assert len(states) == job.discovered
        assert (states.count("stored"), states.count("skipped"), states.count("failed")) == (
            job.stored,
            job.skipped,
            job.failed,
        )
        folder_states = {"done"} if job.state is JobState.COMPLETED else {"done", "withdrawn"}
        for table, allowed in ((batches, {"done", "withdrawn"}), (job_folders, folder_states)):
            assert {row.state for row in await self.rows(table, job=job)} <= allowed
        processed = [update.processed for update in self.progress if update.id == job.id]
        assert processed == sorted(processed)
        await self.assert_store_matches_catalog()

    async def assert_store_matches_catalog(self) -> None:
        """Check that each object has its record and is complete, which holds even while a job waits."""
        records = {row.object_key: row for row in (await self.records()).values()}
        objects = self.objects()
        thumbnails = {key for record in records.values() for key in thumbnail_keys(record.object_key)}
        assert records.keys() == objects.keys() - thumbnails
        for key, record in records.items():
            assert md5(objects[key], usedforsecurity=False).hexdigest() == record.md5
            assert len(objects[key]) == record.size_bytes
