"""A job's manifest, as JSON Lines or CSV."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from imageferry.catalog.jobs.manifest import stream_manifest
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.protocol.streaming import text_responses
from imageferry.gateway.routes.jobs import JobId, find_job
from imageferry.gateway.security.stream_slots import StreamKind

router = APIRouter(prefix="/jobs", tags=["jobs"])

_JSONL = text_responses("application/jsonl")


@router.get(
    "/{job_id}/manifest", summary="Get the manifest as JSON Lines", response_class=StreamingResponse, responses=_JSONL
)
@router.get(
    "/{job_id}/manifest.jsonl",
    summary="Get the manifest as JSON Lines",
    response_class=StreamingResponse,
    responses=_JSONL,
)
async def manifest_jsonl(job_id: JobId, request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Return a record of every file of the job as JSON Lines: ID, storage key, size, checksum and result."""
    await find_job(job_id, gateway)
    lines = stream_manifest(gateway, job_id=job_id, as_csv=False)
    return await file_response(request, gateway, lines, name=f"{job_id}.jsonl", media_type="application/jsonl")


@router.get(
    "/{job_id}/manifest.csv",
    summary="Get the manifest as CSV",
    response_class=StreamingResponse,
    responses=text_responses("text/csv"),
)
async def manifest_csv(job_id: JobId, request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Return a record of every file of the job as CSV with a header row."""
    await find_job(job_id, gateway)
    rows = stream_manifest(gateway, job_id=job_id, as_csv=True)
    return await file_response(request, gateway, rows, name=f"{job_id}.csv", media_type="text/csv; charset=utf-8")


async def file_response(
    request: Request, gateway: Gateway, chunks: AsyncIterator[bytes], *, name: str, media_type: str
) -> StreamingResponse:
    """Return a streamed response that browsers save as a file of this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return await gateway.stream_slots.respond(
        StreamKind.EXPORT, request.scope, chunks, headers=headers, media_type=media_type
    )
