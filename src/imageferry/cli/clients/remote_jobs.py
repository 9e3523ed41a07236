"""Jobs at a gateway elsewhere, over its HTTP interface."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from imageferry.cli.clients.http_api import Calls
from imageferry.cli.clients.jobs import Report
from imageferry.errors import FatalError, Reason
from imageferry.model import Job, JobOptions, JobState

PAGE_MAX = 200


class RemoteDesk:
    """See Desk. A gateway that does not answer raises TransientError."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def latest(self, *, limit: int, state: JobState | None = None) -> list[Job]:
        """See Desk."""
        found: list[Job] = []
        cursor = None
        while len(found) < limit:
            query = {"limit": min(limit - len(found), PAGE_MAX), "state": state, "cursor": cursor}
            page = await self._calls.call("GET", "/api/jobs", query=query)
            found += [_job(told) for told in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        return found

    async def report(self, job_id: str) -> Report:
        """See Desk."""
        told = await self._calls.call("GET", _path(job_id))
        return Report(job=_job(told), failures=_causes(told["failures"]), skips=_causes(told["skips"]))

    async def pause(self, job_id: str) -> Job:
        """See Desk."""
        return await self._move(job_id, "pause")

    async def resume(self, job_id: str) -> Job:
        """See Desk."""
        return await self._move(job_id, "resume")

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """See Desk."""
        return await self._move(job_id, "cancel", {"discard": discard})

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """See Desk."""
        named = {"reasons": reasons and list(reasons), "item_ids": item_ids and list(item_ids)}
        return await self._move(job_id, "retry", named)

    async def remove(self, job_id: str) -> None:
        """See Desk."""
        await self._calls.call("DELETE", _path(job_id))

    async def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """See Desk."""
        async for chunk in self._calls.stream(f"{_path(job_id)}/manifest.{'csv' if csv else 'jsonl'}"):
            yield chunk

    async def prune(self, *, before: datetime) -> int:
        """See Desk."""
        pruned = 0
        for state in filter(lambda state: state.terminal, JobState):
            for job in await self.latest(limit=1_000_000, state=state):
                if job.finished_at is not None and job.finished_at < before:
                    await self.remove(job.id)
                    pruned += 1
        return pruned

    async def _move(self, job_id: str, move: str, body: Mapping[str, Any] | None = None) -> Job:
        return _job(await self._calls.call("POST", f"{_path(job_id)}/{move}", body=body))


def _path(job_id: str) -> str:
    return f"/api/jobs/{quote(job_id, safe='')}"


# What a gateway tells of a job by the same name as ours.
_SAME = set(Job.__struct_fields__) - {"options", "open_folders", "created_at", "started_at", "finished_at"}


def _job(told: Mapping[str, Any]) -> Job:
    """A job as a gateway tells it; what it does not tell, as the resource key, is left out."""
    same = {name: told[name] for name in _SAME if name in told}
    options = dict(told["options"])
    for ours, theirs in (("size_bytes_min", "size_min"), ("size_bytes_max", "size_max")):
        options[ours] = options.pop(theirs, None)
    times = {name: _instant(told[name]) for name in ("created_at", "started_at", "finished_at")}
    try:
        same |= {"state": JobState(told["state"]), "reason": told["reason"] and Reason(told["reason"])}
    except ValueError as exc:
        raise _newer() from exc
    return Job(
        **same,
        options=msgspec.convert(options, JobOptions),
        open_folders=0 if told["listing_done"] else 1,
        **times,  # type: ignore[arg-type] # that a job was created is always told
    )


def _causes(told: Sequence[Mapping[str, Any]]) -> dict[Reason, int]:
    try:
        return {Reason(cause["reason"]): cause["count"] for cause in told}
    except ValueError as exc:
        raise _newer() from exc


def _newer() -> FatalError:
    return FatalError(Reason.CATALOG_NEWER, "The gateway is a newer imageferry: install the newer one here, too.")


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
