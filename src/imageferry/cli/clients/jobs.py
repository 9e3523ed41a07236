"""Where commands look at jobs and take them in hand: the catalog of this machine, or a gateway elsewhere."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from imageferry.errors import Reason
from imageferry.model import Job, JobState


class Report(Struct, frozen=True, kw_only=True):
    """A job, and why files of it were not stored."""

    job: Job
    failures: Mapping[Reason, int]
    skips: Mapping[Reason, int]


class Desk(Protocol):
    """Jobs within reach. A job that is not there raises NotFoundError, what makes no sense ConflictError."""

    async def latest(self, *, limit: int, state: JobState | None = None) -> list[Job]:
        """The newest jobs first."""
        ...

    async def report(self, job_id: str) -> Report:
        """One job."""
        ...

    async def pause(self, job_id: str) -> Job:
        """Let it rest."""
        ...

    async def resume(self, job_id: str) -> Job:
        """Let it go on."""
        ...

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """End it."""
        ...

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """Try again what failed, for these reasons, these items, or all of it."""
        ...

    async def remove(self, job_id: str) -> None:
        """Remove it from the history."""
        ...

    def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """Its receipt, a page at a time."""
        ...

    async def prune(self, *, before: datetime) -> int:
        """Remove the jobs that ended before a time (UTC, no zone) from the history; their number."""
        ...
