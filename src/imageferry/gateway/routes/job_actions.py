"""Actions on a job: pause, resume, cancel, retry, set its priority, delete it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Body, status

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.ledger import job_actions
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.presenters.jobs import job_views
from imageferry.gateway.routes.jobs import JobId
from imageferry.gateway.schemas import jobs as schemas
from imageferry.gateway.schemas.job_actions import CancelRequest, PriorityRequest, RetryRequest
from imageferry.model import Job

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.post("/{job_id}/pause")
async def pause_job(job_id: JobId, gateway: GatewayDep) -> schemas.Job:
    """Pause a job until it is resumed. Transfers in progress finish or are stopped within seconds."""
    return await _apply(gateway, lambda tx: job_actions.pause(tx, job_id))


@router.post("/{job_id}/resume")
async def resume_job(job_id: JobId, gateway: GatewayDep) -> schemas.Job:
    """Resume a paused job, or make a waiting job try again now."""
    return await _apply(gateway, lambda tx: job_actions.resume(tx, job_id))


@router.post("/{job_id}/cancel")
async def cancel_job(
    job_id: JobId, gateway: GatewayDep, options: Annotated[CancelRequest | None, Body()] = None
) -> schemas.Job:
    """Cancel a job. Waiting files are skipped; transfers in progress finish or are stopped within seconds.

    Images that the job stored are kept unless `discard` is set.
    """
    discard = options is not None and options.discard
    return await _apply(gateway, lambda tx: job_actions.cancel(tx, job_id, discard=discard))


@router.post("/{job_id}/retry")
async def retry_job(
    job_id: JobId, gateway: GatewayDep, selection: Annotated[RetryRequest | None, Body()] = None
) -> schemas.Job:
    """Retry failed files: all of them, those with certain reasons, or single files.

    Folders that failed are listed again. A failed job starts again from its root folder; a cancelled job continues
    where it stopped.
    """
    reasons, item_ids = (None, None) if selection is None else (selection.reasons, selection.item_ids)
    return await _apply(gateway, lambda tx: job_actions.retry(tx, job_id, reasons=reasons, item_ids=item_ids))


@router.post("/{job_id}/priority")
async def set_job_priority(job_id: JobId, priority_request: PriorityRequest, gateway: GatewayDep) -> schemas.Job:
    """Set a job's priority: it runs before jobs of lower priority."""
    return await _apply(gateway, lambda tx: job_actions.set_priority(tx, job_id, priority=priority_request.priority))


@router.delete("/{job_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_job(job_id: JobId, gateway: GatewayDep) -> None:
    """Remove a finished job from the history. Its images are kept. Removing it again is not an error."""
    while not await gateway.write(lambda tx: job_actions.remove_step(tx, job_id)):
        pass


async def _apply(gateway: Gateway, action: Callable[[Tx], Job]) -> schemas.Job:
    (job,) = await gateway.write(lambda tx: job_views(tx, [action(tx)]))
    gateway.engine.wake()
    return job
