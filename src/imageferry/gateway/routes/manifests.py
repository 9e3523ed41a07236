"""Receipts: a job's manifest, as JSON Lines or for a spreadsheet."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from imageferry.catalog.jobs.manifest import receipt
from imageferry.gateway.dependencies import Here
from imageferry.gateway.protocol.streaming import begun, streamed
from imageferry.gateway.routes.jobs import JobId, find

router = APIRouter(prefix="/jobs", tags=["jobs"])

_JSONL = streamed("application/jsonl")


@router.get("/{job_id}/manifest", response_class=StreamingResponse, responses=_JSONL)
@router.get("/{job_id}/manifest.jsonl", response_class=StreamingResponse, responses=_JSONL)
async def manifest_jsonl(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, an entry a line."""
    await find(job_id, gateway)
    lines = receipt(gateway, job_id=job_id, as_csv=False)
    return await answer(lines, name=f"{job_id}.jsonl", media_type="application/jsonl")


@router.get("/{job_id}/manifest.csv", response_class=StreamingResponse, responses=streamed("text/csv"))
async def manifest_csv(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, with a heading."""
    await find(job_id, gateway)
    rows = receipt(gateway, job_id=job_id, as_csv=True)
    return await answer(rows, name=f"{job_id}.csv", media_type="text/csv; charset=utf-8")


async def answer(chunks: AsyncIterator[bytes], *, name: str, media_type: str) -> StreamingResponse:
    """A file to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(await begun(chunks), headers=headers, media_type=media_type)
