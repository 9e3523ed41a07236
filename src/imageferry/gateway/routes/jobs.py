"""Jobs: the history, one job, and its progress over time."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import items, jobs, progress_samples
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.presenters.jobs import job_views, reason_counts
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX
from imageferry.gateway.schemas import jobs as schemas
from imageferry.gateway.schemas.fields import Text
from imageferry.model import Job, JobState

JOBS_MAX = 200

JobId = Annotated[Text, Path(max_length=36)]

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
async def list_jobs(
    gateway: GatewayDep,
    state: JobState | None = None,
    id_prefix: Annotated[
        Text | None, Query(max_length=36, description="Only jobs whose `job_id` starts with this.")
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_LENGTH_MAX, description="`next` of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=JOBS_MAX)] = 50,
) -> schemas.JobList:
    """List jobs, newest first. A cursor is valid for the same state and prefix."""
    list_name = f"jobs {state} {id_prefix}"
    before = None if cursor is None else _parse_position(gateway.cursors.decode(list_name, cursor))

    def query(tx: Tx) -> tuple[list[schemas.Job], bool]:
        # One extra job shows whether there is a next page.
        newest = jobs.newest(tx, limit=limit + 1, state=state, id_prefix=id_prefix, before=before)
        return job_views(tx, newest[:limit]), len(newest) > limit

    page, has_next = await gateway.read(query)
    position = [page[-1].created_at.isoformat(), page[-1].id] if has_next else None
    return schemas.JobList(items=page, next=None if position is None else gateway.cursors.encode(list_name, position))


@router.get("/{job_id}")
async def get_job(job_id: JobId, gateway: GatewayDep) -> schemas.JobDetail:
    """Return one job, and why files of it were not stored."""
    job = await find_job(job_id, gateway)
    (view,) = await gateway.read(lambda tx: job_views(tx, [job]))
    failures, skips = await gateway.read(lambda tx: items.failure_and_skip_counts(tx, job))
    return schemas.JobDetail(**dict(view), failures=reason_counts(failures), skips=reason_counts(skips))


@router.get("/{job_id}/progress", summary="Get a job's progress over time")
async def job_progress(job_id: JobId, gateway: GatewayDep) -> schemas.Progress:
    """Return a job's progress from its start until now, in at most 300 evenly spaced samples."""
    await find_job(job_id, gateway)
    samples = await gateway.read(lambda tx: progress_samples.series(tx, job_id=job_id))
    return schemas.Progress(
        samples=[
            schemas.ProgressSample(
                at=datetime.fromtimestamp(sample.at_s, UTC).replace(tzinfo=None),
                discovered=sample.discovered,
                processed=sample.processed,
                bytes=sample.bytes_transferred,
            )
            for sample in samples
        ]
    )


async def find_job(job_id: str, gateway: Gateway) -> Job:
    """Return a job; 404 when it doesn't exist."""
    job = await gateway.read(lambda tx: jobs.get(tx, job_id))
    if job is None:
        raise HTTPException(404, "There is no job with this id.")
    return job


def _parse_position(position: list[str]) -> tuple[datetime, str]:
    created_at, job_id = position
    return datetime.fromisoformat(created_at), job_id
