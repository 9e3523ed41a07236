"""Jobs: the latest, and one."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import items, jobs, progress_samples
from imageferry.gateway.dependencies import Gateway, Here
from imageferry.gateway.presenters.jobs import causes, told
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX
from imageferry.gateway.schemas import jobs as schemas
from imageferry.gateway.schemas.fields import Text
from imageferry.model import Job, JobState

JOBS_MAX = 200

JobId = Annotated[Text, Path(max_length=36)]

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
async def list_jobs(
    gateway: Here,
    state: JobState | None = None,
    cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=JOBS_MAX)] = 50,
) -> schemas.JobList:
    """The jobs, newest first; the cursor holds for the same state."""
    of = f"jobs {state}"
    before = None if cursor is None else _position(gateway.cursors.take(of, cursor))

    def query(tx: Tx) -> tuple[list[schemas.Job], bool]:
        found = jobs.latest(tx, limit=limit + 1, state=state, before=before)
        return told(tx, found[:limit]), len(found) > limit

    page, more = await gateway.read(query)
    last = [page[-1].created_at.isoformat(), page[-1].id] if more else None
    return schemas.JobList(items=page, next=None if last is None else gateway.cursors.give(of, last))


@router.get("/{job_id}")
async def get_job(job_id: JobId, gateway: Here) -> schemas.JobDetail:
    """One job, and why files of it were not stored."""
    job = await find(job_id, gateway)
    (summary,) = await gateway.read(lambda tx: told(tx, [job]))
    failures, skips = await gateway.read(lambda tx: items.failures_and_skips(tx, job))
    return schemas.JobDetail(**dict(summary), failures=causes(failures), skips=causes(skips))


@router.get("/{job_id}/progress")
async def job_progress(job_id: JobId, gateway: Here) -> schemas.Progress:
    """How a job went on from its beginning to now, in at most 300 samples that are even in time."""
    await find(job_id, gateway)
    line = await gateway.read(lambda tx: progress_samples.line(tx, job_id=job_id))
    return schemas.Progress(
        samples=[
            schemas.Point(
                at=datetime.fromtimestamp(point.at_s, UTC).replace(tzinfo=None),
                discovered=point.discovered,
                processed=point.processed,
                bytes=point.bytes_moved,
            )
            for point in line
        ]
    )


async def find(job_id: str, gateway: Gateway) -> Job:
    """A job; 404 when there is none of this id."""
    job = await gateway.read(lambda tx: jobs.get(tx, job_id))
    if job is None:
        raise HTTPException(404, "There is no job of this id.")
    return job


def _position(place: list[str]) -> tuple[datetime, str]:
    created_at, job_id = place
    return datetime.fromisoformat(created_at), job_id
