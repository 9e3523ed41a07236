"""Imports: start one, and get its progress."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response, status

from imageferry.application.request_check import check_request
from imageferry.catalog.images import records
from imageferry.catalog.jobs.idempotency_keys import RequestKey
from imageferry.gateway.dependencies import Gateway, GatewayDep, rate_limited, with_deadline
from imageferry.gateway.presenters.images import image_view
from imageferry.gateway.presenters.jobs import job_links
from imageferry.gateway.protocol.root_path import path_below_root
from imageferry.gateway.routes.jobs import JobId, find_job
from imageferry.gateway.routes.legacy_clients import import_message
from imageferry.gateway.schemas.imports import ImportAccepted, ImportRequest, ImportStatus
from imageferry.gateway.security.rate_limits import LimitedAction
from imageferry.model import Job
from imageferry.pipeline.submit import submit

IMPORTED_MAX = 100
RETRY_AFTER_S = 1

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Makes the request safe to repeat: for a day, the same key returns the same job.",
    ),
]

IMPORT_RATE_LIMIT = Depends(rate_limited(LimitedAction.IMPORT))

router = APIRouter(prefix="/import", tags=["imports"])


@router.post("/google-drive", status_code=status.HTTP_202_ACCEPTED, dependencies=[IMPORT_RATE_LIMIT])
async def start_import(
    import_request: ImportRequest,
    request: Request,
    response: Response,
    gateway: GatewayDep,
    idempotency_key: IdempotencyKey = None,
) -> ImportAccepted:
    """Start to import a folder. If an unfinished import would do exactly the same, that one is returned instead."""
    return await accept_import(import_request, request, response, gateway, idempotency_key=idempotency_key)


@router.get("/status/{job_id}", summary="Get import status")
async def import_status(job_id: JobId, gateway: GatewayDep) -> ImportStatus:
    """Return the progress of an import."""
    job = await find_job(job_id, gateway)
    latest_images = await gateway.read(
        lambda tx: [image_view(row) for row in records.latest_of_job(tx, job_id=job_id, limit=IMPORTED_MAX)]
    )
    return ImportStatus(
        job_id=job.id,
        status=job.state,
        total=job.discovered,
        processed=job.processed,
        failed=job.failed,
        imported=latest_images,
        discovered=job.discovered,
        stored=job.stored,
        skipped=job.skipped,
        unchanged=job.unchanged,
        bytes=job.bytes_stored,
        listing_done=job.open_folders == 0,
        reason=job.reason,
        detail=job.detail,
        links=job_links(job.id),
    )


async def accept_import(
    import_request: ImportRequest,
    request: Request,
    response: Response,
    gateway: Gateway,
    *,
    idempotency_key: str | None = None,
) -> ImportAccepted:
    """Submit an import and wake the engine; set the headers Location and Retry-After of the response."""
    job = await _submit(import_request, gateway, idempotency_key=idempotency_key)
    gateway.engine.wake()
    response.headers["Location"] = job_links(job.id).status
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return ImportAccepted(
        job_id=job.id,
        job_id_camel=job.id,
        task_id=job.id,
        message=import_message(import_request, path=path_below_root(request.scope)),
        links=job_links(job.id),
    )


async def _submit(import_request: ImportRequest, gateway: Gateway, *, idempotency_key: str | None) -> Job:
    """Return the job once it is committed to the catalog, so that an accepted import is never lost."""
    components = gateway.components
    folder_ref = check_request(import_request.url, webhook_url=import_request.webhook_url, settings=components.settings)
    body = import_request.model_dump_json()
    async with with_deadline():
        job, _ = await submit(
            folder_ref,
            catalog=components.catalog,
            store_url=components.store.url,
            options=import_request.options,
            priority=import_request.priority,
            webhook_url=import_request.webhook_url,
            request_key=None if idempotency_key is None else RequestKey(key=idempotency_key, request=body),
        )
    return job
