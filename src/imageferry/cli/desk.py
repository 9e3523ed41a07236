"""Where commands look at jobs and take them in hand: the catalog of this machine, or a gateway elsewhere."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from imageferry.bootstrap.ferry import open_catalog
from imageferry.errors import Reason
from imageferry.model import Job, JobState
from imageferry.secret import revealed
from imageferry.settings import Settings


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


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """The gateway that the settings name, else the catalog."""
    if settings.server_url is not None:
        from imageferry.cli.calls import open_calls  # noqa: PLC0415 - the HTTP client is for this alone
        from imageferry.cli.remote import RemoteDesk  # noqa: PLC0415 - the same

        token = revealed(settings.api_token)
        async with open_calls(settings.server_url, token=token) as calls:
            yield RemoteDesk(calls)
        return
    from imageferry.cli.local import LocalDesk  # noqa: PLC0415 - SQL is not needed to ask a gateway

    async with open_catalog(settings) as catalog:
        yield LocalDesk(catalog)
