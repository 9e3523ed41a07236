"""Imports: begin one, and see how far it is."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response, status

from imageferry.catalog.images import records
from imageferry.catalog.jobs.idempotency_keys import RequestKey
from imageferry.gateway.dependencies import Gateway, Here, prompt
from imageferry.gateway.presenters.images import image
from imageferry.gateway.presenters.jobs import links
from imageferry.gateway.protocol.root_path import own_path
from imageferry.gateway.routes import legacy_clients
from imageferry.gateway.routes.jobs import JobId, find
from imageferry.gateway.schemas.imports import Accepted, ImportRequest, ImportStatus
from imageferry.model import Job
from imageferry.pipeline.submit import submit
from imageferry.sources.registry import recognise
from imageferry.webhooks.urls import checked

IMPORTED_MAX = 100
RETRY_AFTER_S = 1

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Makes the request safe to send again: for a day, the same key is answered with the same job.",
    ),
]

router = APIRouter(prefix="/import", tags=["imports"])


@router.post("/google-drive", status_code=status.HTTP_202_ACCEPTED)
async def begin_import(
    asked: ImportRequest, request: Request, response: Response, gateway: Here, idempotency_key: IdempotencyKey = None
) -> Accepted:
    """Begin to import a folder. An import that is under way already, and would do the same, is answered instead."""
    job = await _submit(asked, gateway, key=idempotency_key)
    gateway.engine.nudge()
    response.headers["Location"] = links(job.id).status
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return Accepted(
        job_id=job.id,
        job_id_camel=job.id,
        task_id=job.id,
        message=legacy_clients.greeting(asked, path=own_path(request.scope)),
        links=links(job.id),
    )


@router.get("/status/{job_id}")
async def import_status(job_id: JobId, gateway: Here) -> ImportStatus:
    """How far an import is."""
    job = await find(job_id, gateway)
    latest = await gateway.read(
        lambda tx: [image(row) for row in records.latest(tx, job_id=job_id, limit=IMPORTED_MAX)]
    )
    return ImportStatus(
        job_id=job.id,
        status=job.state,
        total=job.discovered,
        processed=job.processed,
        failed=job.failed,
        imported=latest,
        discovered=job.discovered,
        stored=job.stored,
        skipped=job.skipped,
        unchanged=job.unchanged,
        bytes=job.bytes_stored,
        listing_done=job.open_folders == 0,
        reason=job.reason,
        detail=job.detail,
        links=links(job.id),
    )


async def _submit(asked: ImportRequest, gateway: Gateway, *, key: str | None) -> Job:
    """The job, once it is in the catalog: what is accepted is not lost."""
    if asked.webhook_url is not None:
        checked(asked.webhook_url, private_hosts=gateway.ferry.settings.webhook_private_hosts)
    request = None if key is None else RequestKey(key=key, body=asked.model_dump_json())
    async with prompt():
        job, _ = await submit(
            recognise(asked.url),
            catalog=gateway.ferry.catalog,
            store_url=gateway.ferry.store.url,
            options=asked.options,
            priority=asked.priority,
            webhook_url=asked.webhook_url,
            request=request,
        )
    return job
