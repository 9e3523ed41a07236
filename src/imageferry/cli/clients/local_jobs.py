"""Jobs in the catalog of this machine."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.jobs.manifest import receipt
from imageferry.catalog.ledger import job_actions
from imageferry.cli.clients.jobs import Report
from imageferry.errors import NotFoundError, Reason
from imageferry.model import Job, JobState


class LocalDesk:
    """See Desk. Whatever process works on the catalog notices within a second what is written here."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def latest(self, *, limit: int, state: JobState | None = None) -> list[Job]:
        """See Desk."""
        return await self._catalog.read(lambda tx: jobs.latest(tx, limit=limit, state=state))

    async def report(self, job_id: str) -> Report:
        """See Desk."""
        return await self._catalog.read(lambda tx: report_of(tx, job_id))

    async def pause(self, job_id: str) -> Job:
        """See Desk."""
        return await self._catalog.write(lambda tx: job_actions.pause(tx, job_id))

    async def resume(self, job_id: str) -> Job:
        """See Desk."""
        return await self._catalog.write(lambda tx: job_actions.resume(tx, job_id))

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """See Desk."""
        return await self._catalog.write(lambda tx: job_actions.cancel(tx, job_id, discard=discard))

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """See Desk."""
        return await self._catalog.write(lambda tx: job_actions.retry(tx, job_id, reasons=reasons, item_ids=item_ids))

    async def remove(self, job_id: str) -> None:
        """See Desk."""
        while not await self._catalog.write(lambda tx: job_actions.remove(tx, job_id)):
            pass

    async def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """See Desk."""
        await self.report(job_id)
        async for page in receipt(self._catalog, job_id=job_id, as_csv=csv):
            yield page

    async def prune(self, *, before: datetime) -> int:
        """See Desk."""
        ended = await self._catalog.read(lambda tx: jobs.ended_before(tx, before))
        for job_id in ended:
            await self.remove(job_id)
        return len(ended)


def report_of(tx: Tx, job_id: str) -> Report:
    """A job, and why files of it were not stored; NotFoundError when there is none."""
    job = jobs.get(tx, job_id)
    if job is None:
        raise NotFoundError(Reason.GONE, f"There is no job {job_id}: `imageferry jobs` lists them.")
    failures, skips = items.failures_and_skips(tx, job)
    return Report(job=job, failures=failures, skips=skips)
