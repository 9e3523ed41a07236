"""Receipts: a job's manifest, as JSON Lines or for a spreadsheet."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from imageferry.catalog import manifest
from imageferry.gateway.gateway import Gateway, Here
from imageferry.gateway.jobs import JobId, find
from imageferry.gateway.streams import begun, streamed
from imageferry.model import ItemState

router = APIRouter(prefix="/jobs", tags=["jobs"])

_JSONL = streamed("application/jsonl")


@router.get("/{job_id}/manifest", response_class=StreamingResponse, responses=_JSONL)
@router.get("/{job_id}/manifest.jsonl", response_class=StreamingResponse, responses=_JSONL)
async def manifest_jsonl(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, an entry a line."""
    await find(job_id, gateway)
    return await answer(pages(job_id, gateway, manifest.jsonl), name=f"{job_id}.jsonl", media_type="application/jsonl")


@router.get("/{job_id}/manifest.csv", response_class=StreamingResponse, responses=streamed("text/csv"))
async def manifest_csv(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, with a heading."""
    await find(job_id, gateway)
    rows = pages(job_id, gateway, manifest.csv_rows, heading=manifest.csv_heading())
    return await answer(rows, name=f"{job_id}.csv", media_type="text/csv; charset=utf-8")


async def answer(chunks: AsyncIterator[bytes], *, name: str, media_type: str) -> StreamingResponse:
    """A file to be saved under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(await begun(chunks), headers=headers, media_type=media_type)


async def pages(
    job_id: str,
    gateway: Gateway,
    form: Callable[[list[dict[str, Any]]], bytes],
    *,
    heading: bytes = b"",
    state: ItemState | None = None,
) -> AsyncIterator[bytes]:
    """A page at a time: no transaction stays open while a client reads slowly."""
    yield heading
    last_id = ""
    while entries := await gateway.read(partial(manifest.page, job_id=job_id, after_id=last_id, state=state)):
        yield form(entries)
        last_id = entries[-1]["id"]
