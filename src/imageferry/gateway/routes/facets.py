"""Image counts: timeline, facets and statistics."""

from typing import Any

from fastapi import APIRouter

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Dimension, ImageCount
from imageferry.catalog.search import facets
from imageferry.catalog.search.facets import DAYS_MAX, FACETS_MAX
from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.schemas import facets as schemas
from imageferry.gateway.schemas.image_query import QueryFilter

router = APIRouter(tags=["images"])


@router.get("/images/timeline", summary="Get the timeline")
async def image_timeline(gateway: GatewayDep, image_filter: QueryFilter) -> schemas.Timeline:
    """Count the matching images of each day, by the day they were taken, or stored when that is unknown."""
    timeline = await gateway.read(lambda tx: facets.timeline(tx, image_filter))
    return schemas.Timeline(
        total=sum(count for _, count in timeline.days),
        total_exact=timeline.exact,
        buckets=[schemas.DayCount(date=day, count=count) for day, count in timeline.days],
    )


@router.get("/images/facets", summary="Get facets")
async def image_facets(gateway: GatewayDep) -> schemas.Facets:
    """List the values that images can be filtered by, with the number of images of each."""

    def query(tx: Tx) -> schemas.Facets:
        cameras, jobs = (
            counters.top(tx, dimension, limit=FACETS_MAX) for dimension in (Dimension.CAMERA, Dimension.JOB)
        )
        folder_names = facets.folder_names_by_job(tx, [job_id for job_id, _ in jobs])
        return schemas.Facets(
            types=_types(tx),
            folders=_folders(tx),
            cameras=[schemas.CameraCount(camera=camera, **_count_fields(count)) for camera, count in cameras],
            jobs=[
                schemas.JobCount(job_id=job_id, folder_name=folder_names.get(job_id), **_count_fields(count))
                for job_id, count in jobs
            ],
            has_location=schemas.Count(**_count_fields(counters.count_of(tx, Dimension.HAS_LOCATION, ["1"]))),
        )

    return await gateway.read(query)


@router.get("/stats", summary="Get statistics")
async def stats(gateway: GatewayDep) -> schemas.Stats:
    """Return statistics of all images and jobs. They are read from counters, in milliseconds for any library size."""

    def query(tx: Tx) -> schemas.Stats:
        days = counters.counts_by_day(tx, Dimension.ALL, [""], limit=DAYS_MAX)
        return schemas.Stats(
            images=schemas.Count(**_count_fields(counters.total(tx))),
            types=_types(tx),
            folders=_folders(tx),
            days=[schemas.DayTotal(date=day, **_count_fields(count)) for day, count in days],
            jobs=facets.job_counts_by_state(tx),
        )

    return await gateway.read(query)


def _types(tx: Tx) -> list[schemas.TypeCount]:
    types = counters.top(tx, Dimension.TYPE, limit=FACETS_MAX)
    return [schemas.TypeCount(mime_type=mime_type, **_count_fields(count)) for mime_type, count in types]


def _folders(tx: Tx) -> list[schemas.FolderCount]:
    return [
        schemas.FolderCount(folder_id=folder.id, name=folder.name, path=folder.path, **_count_fields(folder.count))
        for folder in facets.top_folders(tx)
    ]


def _count_fields(count: ImageCount) -> dict[str, Any]:
    return {"count": count.images, "bytes": count.size_bytes}
