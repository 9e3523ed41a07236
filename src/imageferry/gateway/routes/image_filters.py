"""Which images a request means, and in which order."""

from typing import Annotated

from fastapi import Depends, HTTPException, Query

from imageferry.catalog.images import name_tokens
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.gateway.schemas.fields import Day, Exact, Size
from imageferry.gateway.schemas.images import ImageFilter, Search


def asked(
    *,
    q: Annotated[Search | None, Query(description="Words of the name; the last may be only begun.")] = None,
    mime_type: Annotated[
        list[Exact] | None, Query(max_length=50, description="May be given again: one of them.")
    ] = None,
    folder_id: Annotated[Exact | None, Query()] = None,
    job_id: Annotated[Exact | None, Query(description="Stored by this job last.")] = None,
    size_min: Annotated[Size | None, Query(description="In bytes.")] = None,
    size_max: Annotated[Size | None, Query(description="In bytes; that many are still in.")] = None,
    taken_from: Annotated[Day | None, Query(description="The day it was taken, else stored.")] = None,
    taken_to: Annotated[Day | None, Query(description="That day is still in.")] = None,
    camera: Annotated[Exact | None, Query()] = None,
    located: Annotated[bool | None, Query(description="Whether the place is known.")] = None,
) -> Filter:
    """The filter of a query string."""
    return Filter(
        words=None if not q or not q.strip() else name_tokens.words(q),
        mime_types=tuple(dict.fromkeys(mime_type or ())),
        folder_id=folder_id,
        job_id=job_id,
        size_min_bytes=size_min,
        size_max_bytes=size_max,
        shown_from=taken_from,
        shown_to=taken_to,
        camera=camera,
        located=located,
    )


def meant(filter_: ImageFilter) -> Filter:
    """The filter of a body; 400 when it has no condition: everything is never meant by saying nothing."""
    found = asked(**dict(filter_))
    if found.is_empty:
        raise HTTPException(400, "Name at least one condition: a filter without any would mean every image.")
    return found


Wanted = Annotated[Filter, Depends(asked)]
Order = Annotated[Sort, Query(alias="sort", description="The order; `shown` is by the day it was taken, else stored.")]
