"""What a person does with a job: pause, resume, cancel, retry, serve it first or later, remove it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, status

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.ledger import job_actions
from imageferry.gateway.dependencies import Gateway, Here
from imageferry.gateway.presenters.jobs import told
from imageferry.gateway.routes.jobs import JobId
from imageferry.gateway.schemas.job_actions import Cancel, Priority, Retry
from imageferry.gateway.schemas.jobs import Job as JobShown
from imageferry.model import Job

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.post("/{job_id}/pause")
async def pause(job_id: JobId, gateway: Here) -> JobShown:
    """Let a job rest until it is resumed. What is under way comes to its end or is broken off, within seconds."""
    return await _move(gateway, lambda tx: job_actions.pause(tx, job_id))


@router.post("/{job_id}/resume")
async def resume(job_id: JobId, gateway: Here) -> JobShown:
    """Let a job that was paused go on, or one that waits try at once."""
    return await _move(gateway, lambda tx: job_actions.resume(tx, job_id))


@router.post("/{job_id}/cancel")
async def cancel(job_id: JobId, gateway: Here, asked: Annotated[Cancel | None, Body()] = None) -> JobShown:
    """End a job: what waits is skipped, what is under way comes to its end or is broken off, within seconds.

    What it stored stays, unless it is to be discarded.
    """
    discard = asked is not None and asked.discard
    return await _move(gateway, lambda tx: job_actions.cancel(tx, job_id, discard=discard))


@router.post("/{job_id}/retry")
async def retry(job_id: JobId, gateway: Here, asked: Annotated[Retry | None, Body()] = None) -> JobShown:
    """Try again what failed: all of it, what failed for some reasons, or some files.

    A folder that was lost is listed again; a job that failed begins anew; one that was cancelled goes on where it was.
    """
    reasons, item_ids = (None, None) if asked is None else (asked.reasons, asked.item_ids)
    return await _move(gateway, lambda tx: job_actions.retry(tx, job_id, reasons=reasons, item_ids=item_ids))


@router.post("/{job_id}/priority")
async def prioritise(job_id: JobId, asked: Priority, gateway: Here) -> JobShown:
    """Serve a job before those of a lower priority."""
    return await _move(gateway, lambda tx: job_actions.prioritise(tx, job_id, priority=asked.priority))


@router.delete("/{job_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(job_id: JobId, gateway: Here) -> None:
    """Remove a job that is at its end from the history; its images stay. Again: the same answer."""
    while not await gateway.write(lambda tx: job_actions.remove(tx, job_id)):
        pass


async def _move(gateway: Gateway, move: Callable[[Tx], Job]) -> JobShown:
    (job,) = await gateway.write(lambda tx: told(tx, [move(tx)]))
    gateway.engine.nudge()
    return job
