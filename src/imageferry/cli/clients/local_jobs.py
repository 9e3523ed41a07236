"""Jobs in the local catalog."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from imageferry.application.results import JobReport
from imageferry.bootstrap.components import open_catalog
from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.jobs.manifest import stream_manifest
from imageferry.catalog.ledger import job_actions
from imageferry.errors import Reason
from imageferry.model import Job, JobState
from imageferry.settings import Settings


@asynccontextmanager
async def open_local_jobs(settings: Settings) -> "AsyncIterator[LocalJobs]":
    """Open the catalog that the settings name."""
    async with open_catalog(settings) as catalog:
        yield LocalJobs(catalog)


class LocalJobs:
    """See JobsClient. A process that works on the job notices a change within a second."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def newest(self, *, limit: int, state: JobState | None = None, id_prefix: str | None = None) -> list[Job]:
        """See JobsClient."""
        return await self._catalog.read(lambda tx: jobs.newest(tx, limit=limit, state=state, id_prefix=id_prefix))

    async def report(self, job_id: str) -> JobReport:
        """See JobsClient."""
        return await self._catalog.read(lambda tx: _report(tx, job_id))

    async def pause(self, job_id: str) -> Job:
        """See JobsClient."""
        return await self._catalog.write(lambda tx: job_actions.pause(tx, job_id))

    async def resume(self, job_id: str) -> Job:
        """See JobsClient."""
        return await self._catalog.write(lambda tx: job_actions.resume(tx, job_id))

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """See JobsClient."""
        return await self._catalog.write(lambda tx: job_actions.cancel(tx, job_id, discard=discard))

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """See JobsClient."""
        return await self._catalog.write(lambda tx: job_actions.retry(tx, job_id, reasons=reasons, item_ids=item_ids))

    async def remove(self, job_id: str) -> None:
        """See JobsClient."""
        while not await self._catalog.write(lambda tx: job_actions.remove_step(tx, job_id)):
            pass

    async def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """See JobsClient."""
        await self.report(job_id)
        async for chunk in stream_manifest(self._catalog, job_id=job_id, as_csv=csv):
            yield chunk

    async def prune(self, *, before: datetime) -> int:
        """See JobsClient."""
        job_ids = await self._catalog.read(lambda tx: jobs.finished_before(tx, before))
        for job_id in job_ids:
            await self.remove(job_id)
        return len(job_ids)


def _report(tx: Tx, job_id: str) -> JobReport:
    job = jobs.get_existing(tx, job_id)
    failures, skips = items.failure_and_skip_counts(tx, job)
    return JobReport(job=job, failures=failures, skips=skips)
