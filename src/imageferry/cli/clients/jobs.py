"""The interface through which commands reach jobs."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from imageferry.application.results import JobReport
from imageferry.errors import Reason
from imageferry.model import Job, JobState


class JobsClient(Protocol):
    """Jobs in the local catalog or at a remote gateway.

    An unknown job raises NotFoundError, an action that the job's state does not allow ConflictError.
    """

    async def newest(self, *, limit: int, state: JobState | None = None, id_prefix: str | None = None) -> list[Job]:
        """Return the newest jobs first, optionally of one state, or with ids that start with a prefix."""
        ...

    async def report(self, job_id: str) -> JobReport:
        """Return one job, with its failures and skips by reason."""
        ...

    async def pause(self, job_id: str) -> Job:
        """Pause a job until it is resumed."""
        ...

    async def resume(self, job_id: str) -> Job:
        """Resume a paused job, or let a waiting one try again at once."""
        ...

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """Cancel a job; `discard` also deletes the images that it stored."""
        ...

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """Retry failed files: those with these reasons, these items, or all."""
        ...

    async def remove(self, job_id: str) -> None:
        """Remove a finished job from the history. Idempotent."""
        ...

    def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """Yield the manifest of a job in chunks, as CSV or JSON Lines."""
        ...

    async def prune(self, *, before: datetime) -> int:
        """Remove jobs that finished before a time (UTC, naive) from the history; return their number."""
        ...
