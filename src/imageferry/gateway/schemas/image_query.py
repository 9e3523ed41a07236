"""Image filters and sort orders of requests, as the catalog's search takes them."""

from typing import Annotated

from fastapi import Depends, HTTPException, Query

from imageferry.catalog.images import name_tokens
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.gateway.schemas.fields import Day, ExactText, Size
from imageferry.gateway.schemas.images import ImageFilter, SearchText


def to_filter(conditions: ImageFilter) -> Filter:
    """Return the catalog's filter for these conditions; it is empty when there are none."""
    q = conditions.q
    return Filter(
        words=None if not q or not q.strip() else name_tokens.tokenize(q),
        mime_types=tuple(dict.fromkeys(conditions.mime_type)),
        folder_id=conditions.folder_id,
        job_id=conditions.job_id,
        size_min_bytes=conditions.size_min,
        size_max_bytes=conditions.size_max,
        date_from=conditions.taken_from,
        date_to=conditions.taken_to,
        camera=conditions.camera,
        has_location=conditions.has_location,
    )


def filter_from_query(
    *,
    q: Annotated[SearchText | None, Query(description="Words in the name; the last one may be a prefix.")] = None,
    mime_type: Annotated[
        list[ExactText] | None, Query(max_length=50, description="Any of these MIME types; repeat the parameter.")
    ] = None,
    folder_id: Annotated[ExactText | None, Query()] = None,
    job_id: Annotated[ExactText | None, Query(description="The job that last stored the image.")] = None,
    size_min: Annotated[Size | None, Query(description="The minimum size in bytes.")] = None,
    size_max: Annotated[Size | None, Query(description="The maximum size in bytes.")] = None,
    taken_from: Annotated[
        Day | None, Query(description="The first day, by the day taken, or stored when that is unknown.")
    ] = None,
    taken_to: Annotated[Day | None, Query(description="The last day, inclusive.")] = None,
    camera: Annotated[ExactText | None, Query()] = None,
    has_location: Annotated[bool | None, Query(description="Whether the location is known.")] = None,
) -> Filter:
    """FastAPI dependency: return the filter of the query string."""
    # FastAPI has validated the values already.
    conditions = ImageFilter.model_construct(
        q=q,
        mime_type=mime_type or [],
        folder_id=folder_id,
        job_id=job_id,
        size_min=size_min,
        size_max=size_max,
        taken_from=taken_from,
        taken_to=taken_to,
        camera=camera,
        has_location=has_location,
    )
    return to_filter(conditions)


def filter_from_body(conditions: ImageFilter) -> Filter:
    """Return the filter of a request body; 400 when it is empty, so that a mistake can't select every image."""
    image_filter = to_filter(conditions)
    if image_filter.is_empty:
        raise HTTPException(400, "Set at least one condition: an empty filter would match every image.")
    return image_filter


QueryFilter = Annotated[Filter, Depends(filter_from_query)]
SortParam = Annotated[
    Sort,
    Query(alias="sort", description="The sort order. `date` is the day taken, or the day stored when that is unknown."),
]
