"""Receipts: a job's manifest, as JSON Lines or for a spreadsheet."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from imageferry.catalog import manifest
from imageferry.gateway.gateway import Gateway, Here
from imageferry.gateway.jobs import JobId, find
from imageferry.gateway.streams import begun

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}/manifest.jsonl", response_class=StreamingResponse)
async def manifest_jsonl(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, an entry a line."""
    await find(job_id, gateway)
    return await _answer(
        _pages(job_id, gateway, manifest.jsonl), name=f"{job_id}.jsonl", media_type="application/jsonl"
    )


@router.get("/{job_id}/manifest.csv", response_class=StreamingResponse)
async def manifest_csv(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The receipt, with a heading."""
    await find(job_id, gateway)
    pages = _pages(job_id, gateway, manifest.csv_rows, heading=manifest.csv_heading())
    return await _answer(pages, name=f"{job_id}.csv", media_type="text/csv; charset=utf-8")


async def _answer(pages: AsyncIterator[bytes], *, name: str, media_type: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(await begun(pages), headers=headers, media_type=media_type)


async def _pages(
    job_id: str, gateway: Gateway, form: Callable[[list[dict[str, Any]]], bytes], *, heading: bytes = b""
) -> AsyncIterator[bytes]:
    """A page at a time: no transaction stays open while a client reads slowly."""
    yield heading
    last_id = ""
    while entries := await gateway.read(partial(manifest.page, job_id=job_id, after_id=last_id)):
        yield form(entries)
        last_id = entries[-1]["id"]
