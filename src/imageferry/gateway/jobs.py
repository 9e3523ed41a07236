"""Jobs: the latest, and one."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from imageferry.catalog import items, jobs
from imageferry.errors import Reason
from imageferry.gateway import schemas
from imageferry.gateway.gateway import Gateway, Here
from imageferry.model import ItemState, Job

JOBS_MAX = 200

JobId = Annotated[str, Path(min_length=1, max_length=36)]

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
async def list_jobs(gateway: Here, limit: Annotated[int, Query(ge=1, le=JOBS_MAX)] = 50) -> schemas.JobList:
    """The latest jobs, newest first."""
    latest = await gateway.read(lambda tx: jobs.latest(tx, limit=limit))
    return schemas.JobList(items=[_job(job) for job in latest])


@router.get("/{job_id}")
async def get_job(job_id: JobId, gateway: Here) -> schemas.JobDetail:
    """One job, and why files of it were not stored."""
    job = await find(job_id, gateway)
    failures, skips = await gateway.read(
        lambda tx: [items.causes(tx, job_id=job_id, state=state) for state in (ItemState.FAILED, ItemState.SKIPPED)]
    )
    return schemas.JobDetail(**dict(_job(job)), failures=_causes(failures), skips=_causes(skips))


async def find(job_id: str, gateway: Gateway) -> Job:
    """A job; 404 when there is none of this id."""
    job = await gateway.read(lambda tx: jobs.get(tx, job_id))
    if job is None:
        raise HTTPException(404, "There is no job of this id.")
    return job


def links(job_id: str) -> schemas.JobLinks:
    """Where more is told of a job."""
    return schemas.JobLinks(
        self=f"/api/jobs/{job_id}",
        status=f"/api/import/status/{job_id}",
        manifest=f"/api/jobs/{job_id}/manifest.jsonl",
    )


def _causes(counts: Counter[Reason]) -> list[schemas.Cause]:
    return [schemas.Cause(reason=reason, count=count, mender=reason.mender) for reason, count in counts.most_common()]


def _job(job: Job) -> schemas.Job:
    return schemas.Job(
        id=job.id,
        state=job.state,
        reason=job.reason,
        detail=job.detail,
        mender=None if job.reason is None else job.reason.mender,
        source=job.source,
        folder_id=job.folder_id,
        folder_name=job.folder_name,
        store=job.store,
        options=schemas.JobOptions.model_validate(job.options, from_attributes=True),
        listing_done=job.open_folders == 0,
        discovered=job.discovered,
        processed=job.processed,
        stored=job.stored,
        skipped=job.skipped,
        unchanged=job.unchanged,
        failed=job.failed,
        bytes_discovered=job.bytes_discovered,
        bytes_stored=job.bytes_stored,
        bytes_moved=job.bytes_moved,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        links=links(job.id),
    )
