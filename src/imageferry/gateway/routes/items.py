"""A job's files: by state and reason, a page at a time, and what failed for a spreadsheet."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items
from imageferry.catalog.jobs.manifest import receipt
from imageferry.errors import Reason
from imageferry.gateway.dependencies import Here
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX
from imageferry.gateway.protocol.streaming import streamed
from imageferry.gateway.routes.jobs import JobId, find
from imageferry.gateway.routes.manifests import answer
from imageferry.gateway.schemas.items import Item, ItemPage
from imageferry.model import ItemState
from imageferry.sources.registry import file_url

ITEMS_MAX = 500

Cursor = Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before.")]

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}/items")
async def list_items(
    job_id: JobId,
    gateway: Here,
    *,
    state: ItemState | None = None,
    reason: Reason | None = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=ITEMS_MAX)] = 100,
) -> ItemPage:
    """A job's files; the cursor holds for the same job and the same filters."""
    job = await find(job_id, gateway)
    of = f"items {job_id} {state} {reason}"
    position = None if cursor is None else gateway.cursors.take(of, cursor)[0]

    def query(tx: Tx) -> tuple[list[Any], Mapping[str, int]]:
        found = items.listed(tx, job_id=job_id, state=state, reason=reason, after=position, limit=limit + 1)
        stand = [row.file_id for row in found if row.object_key is not None]
        return list(found), records.ids(tx, source=job.source, store=job.store, file_ids=stand)

    rows, image_ids = await gateway.read(query)
    more = len(rows) > limit
    last = items.position(rows[limit - 1], state=state) if more else None
    return ItemPage(
        items=[_item(row, image_id=image_ids.get(row.file_id), source=job.source) for row in rows[:limit]],
        next=None if last is None else gateway.cursors.give(of, [last]),
    )


@router.get("/{job_id}/failures.csv", response_class=StreamingResponse, responses=streamed("text/csv"))
async def failures_csv(job_id: JobId, gateway: Here) -> StreamingResponse:
    """The files that failed, for a spreadsheet."""
    await find(job_id, gateway)
    rows = receipt(gateway, job_id=job_id, as_csv=True, state=ItemState.FAILED)
    return await answer(rows, name=f"{job_id}-failures.csv", media_type="text/csv; charset=utf-8")


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
