"""Jobs at a remote gateway, through its HTTP API."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from imageferry.application.results import JobReport
from imageferry.cli.clients.http_api import HttpApi, open_http_api
from imageferry.errors import FatalError, Reason
from imageferry.model import Job, JobOptions, JobState
from imageferry.secret import Secret

PAGE_SIZE_MAX = 200


@asynccontextmanager
async def open_remote_jobs(url: str, *, token: Secret | None) -> "AsyncIterator[RemoteJobs]":
    """Open the jobs of the gateway at a URL."""
    async with open_http_api(url, token=token) as api:
        yield RemoteJobs(api)


class RemoteJobs:
    """See JobsClient. A gateway that can't be reached raises TransientError."""

    def __init__(self, api: HttpApi) -> None:
        self._api = api

    async def newest(self, *, limit: int, state: JobState | None = None, id_prefix: str | None = None) -> list[Job]:
        """See JobsClient."""
        found: list[Job] = []
        cursor = None
        while len(found) < limit:
            count = min(limit - len(found), PAGE_SIZE_MAX)
            query = {"limit": count, "state": state, "id_prefix": id_prefix, "cursor": cursor}
            page = await self._api.call("GET", "/api/jobs", query=query)
            found += [_to_job(record) for record in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        return found

    async def report(self, job_id: str) -> JobReport:
        """See JobsClient."""
        record = await self._api.call("GET", _path(job_id))
        failures, skips = _to_counts(record["failures"]), _to_counts(record["skips"])
        return JobReport(job=_to_job(record), failures=failures, skips=skips)

    async def pause(self, job_id: str) -> Job:
        """See JobsClient."""
        return await self._post(job_id, "pause")

    async def resume(self, job_id: str) -> Job:
        """See JobsClient."""
        return await self._post(job_id, "resume")

    async def cancel(self, job_id: str, *, discard: bool) -> Job:
        """See JobsClient."""
        return await self._post(job_id, "cancel", {"discard": discard})

    async def retry(
        self, job_id: str, *, reasons: Sequence[Reason] | None = None, item_ids: Sequence[int] | None = None
    ) -> Job:
        """See JobsClient."""
        body = {"reasons": reasons and list(reasons), "item_ids": item_ids and list(item_ids)}
        return await self._post(job_id, "retry", body)

    async def remove(self, job_id: str) -> None:
        """See JobsClient."""
        await self._api.call("DELETE", _path(job_id))

    async def manifest(self, job_id: str, *, csv: bool) -> AsyncIterator[bytes]:
        """See JobsClient."""
        async for chunk in self._api.stream(f"{_path(job_id)}/manifest.{'csv' if csv else 'jsonl'}"):
            yield chunk

    async def prune(self, *, before: datetime) -> int:
        """See JobsClient."""
        pruned = 0
        for state in filter(lambda state: state.is_terminal, JobState):
            for job in await self.newest(limit=1_000_000, state=state):
                if job.finished_at is not None and job.finished_at < before:
                    await self.remove(job.id)
                    pruned += 1
        return pruned

    async def _post(self, job_id: str, action: str, body: Mapping[str, Any] | None = None) -> Job:
        return _to_job(await self._api.call("POST", f"{_path(job_id)}/{action}", body=body))


def _path(job_id: str) -> str:
    return f"/api/jobs/{quote(job_id, safe='')}"


# Fields that have the same name and type in the API and in Job.
_SAME_FIELDS = set(Job.__struct_fields__) - {"options", "open_folders", "created_at", "started_at", "finished_at"}


def _to_job(record: Mapping[str, Any]) -> Job:
    """Convert the API's record of a job; what the API leaves out, such as the resource key, has its default."""
    same = {name: record[name] for name in _SAME_FIELDS if name in record}
    options = dict(record["options"])
    for field, api_field in (("size_bytes_min", "size_min"), ("size_bytes_max", "size_max")):
        options[field] = options.pop(api_field, None)
    times = {name: _to_datetime(record[name]) for name in ("created_at", "started_at", "finished_at")}
    try:
        same |= {"state": JobState(record["state"]), "reason": record["reason"] and Reason(record["reason"])}
    except ValueError as exc:
        raise _newer_gateway() from exc
    return Job(
        **same,
        options=msgspec.convert(options, JobOptions),
        open_folders=0 if record["listing_done"] else 1,
        **times,  # type: ignore[arg-type] # created_at is never null
    )


def _to_counts(records: Sequence[Mapping[str, Any]]) -> dict[Reason, int]:
    try:
        return {Reason(record["reason"]): record["count"] for record in records}
    except ValueError as exc:
        raise _newer_gateway() from exc


def _newer_gateway() -> FatalError:
    return FatalError(Reason.CATALOG_NEWER, "The gateway runs a newer imageferry. Upgrade imageferry here too.")


def _to_datetime(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
