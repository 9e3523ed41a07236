"""A job's files: pages by state and reason, and the failed files as CSV."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items
from imageferry.catalog.jobs.manifest import stream_manifest
from imageferry.errors import Reason
from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX
from imageferry.gateway.protocol.streaming import text_responses
from imageferry.gateway.routes.jobs import JobId, find_job
from imageferry.gateway.routes.manifests import file_response
from imageferry.gateway.schemas.items import Item, ItemPage
from imageferry.model import ItemState
from imageferry.sources.registry import file_url

ITEMS_MAX = 500

Cursor = Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX, description="`next` of the previous page.")]

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}/items")
async def list_items(
    job_id: JobId,
    gateway: GatewayDep,
    *,
    state: ItemState | None = None,
    reason: Reason | None = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=ITEMS_MAX)] = 100,
) -> ItemPage:
    """List a job's files. A cursor is valid for the same job and the same filters."""
    job = await find_job(job_id, gateway)
    list_name = f"items {job_id} {state} {reason}"
    position = None if cursor is None else gateway.cursors.decode(list_name, cursor)[0]

    def query(tx: Tx) -> tuple[list[Any], Mapping[str, int]]:
        # One extra row shows whether there is a next page.
        rows = items.list_page(tx, job_id=job_id, state=state, reason=reason, after=position, limit=limit + 1)
        stored_ids = [row.file_id for row in rows if row.object_key is not None]
        return list(rows), records.ids_by_file(tx, source=job.source, store=job.store, file_ids=stored_ids)

    rows, image_ids = await gateway.read(query)
    next_position = items.page_position(rows[limit - 1], state=state) if len(rows) > limit else None
    return ItemPage(
        items=[_item(row, image_id=image_ids.get(row.file_id), source=job.source) for row in rows[:limit]],
        next=None if next_position is None else gateway.cursors.encode(list_name, [next_position]),
    )


@router.get(
    "/{job_id}/failures.csv",
    summary="Get failed files as CSV",
    response_class=StreamingResponse,
    responses=text_responses("text/csv"),
)
async def failures_csv(job_id: JobId, request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Return the failed files as CSV."""
    await find_job(job_id, gateway)
    rows = stream_manifest(gateway, job_id=job_id, as_csv=True, state=ItemState.FAILED)
    return await file_response(
        request, gateway, rows, name=f"{job_id}-failures.csv", media_type="text/csv; charset=utf-8"
    )


def _item(row: Any, *, image_id: int | None, source: str) -> Item:  # noqa: ANN401 - a row of the catalog
    return Item(
        id=row.id,
        file_id=row.file_id,
        name=row.name,
        path=row.path,
        mime_type=row.mime_type,
        size=row.size_bytes,
        state=row.state,
        reason=row.reason,
        detail=row.detail,
        tries=row.tries,
        object_key=row.object_key,
        image_id=image_id,
        source_url=file_url(source, row.file_id, resource_key=row.resource_key),
    )
