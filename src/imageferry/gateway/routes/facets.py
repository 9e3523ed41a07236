"""Overviews: the timeline, what can be filtered by, and figures of everything."""

from typing import Any

from fastapi import APIRouter

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Kind, Tally
from imageferry.catalog.search import facets
from imageferry.catalog.search.facets import DAYS_MAX, FACETS_MAX
from imageferry.gateway.dependencies import Here
from imageferry.gateway.routes.image_filters import Wanted
from imageferry.gateway.schemas import facets as schemas

router = APIRouter(tags=["images"])


@router.get("/images/timeline")
async def image_timeline(gateway: Here, wanted: Wanted) -> schemas.Timeline:
    """On which days the images that a filter leaves were taken, else stored."""
    found = await gateway.read(lambda tx: facets.timeline(tx, wanted))
    return schemas.Timeline(
        total=sum(count for _, count in found.days),
        total_exact=found.exact,
        buckets=[schemas.DayCount(date=day, count=count) for day, count in found.days],
    )


@router.get("/images/facets")
async def image_facets(gateway: Here) -> schemas.Facets:
    """What images can be filtered by, and how many there are of each."""

    def query(tx: Tx) -> schemas.Facets:
        cameras, jobs = (counters.every(tx, kind, limit=FACETS_MAX) for kind in (Kind.CAMERA, Kind.JOB))
        names = facets.job_names(tx, [job_id for job_id, _ in jobs])
        return schemas.Facets(
            types=_types(tx),
            folders=_folders(tx),
            cameras=[schemas.CameraCount(camera=camera, **_count(tally)) for camera, tally in cameras],
            jobs=[
                schemas.JobCount(job_id=job_id, folder_name=names.get(job_id), **_count(tally))
                for job_id, tally in jobs
            ],
            located=schemas.Count(**_count(counters.of(tx, Kind.LOCATED, ["1"]))),
        )

    return await gateway.read(query)


@router.get("/stats")
async def stats(gateway: Here) -> schemas.Stats:
    """All images in figures: kept with every change, and read in milliseconds however many there are."""

    def query(tx: Tx) -> schemas.Stats:
        days = counters.daily(tx, Kind.ALL, [""], limit=DAYS_MAX)
        return schemas.Stats(
            images=schemas.Count(**_count(counters.total(tx))),
            types=_types(tx),
            folders=_folders(tx),
            days=[schemas.DayTotal(date=day, **_count(tally)) for day, tally in days],
            jobs=facets.job_states(tx),
        )

    return await gateway.read(query)


def _types(tx: Tx) -> list[schemas.TypeCount]:
    found = counters.every(tx, Kind.TYPE, limit=FACETS_MAX)
    return [schemas.TypeCount(mime_type=mime_type, **_count(tally)) for mime_type, tally in found]


def _folders(tx: Tx) -> list[schemas.FolderCount]:
    return [
        schemas.FolderCount(folder_id=folder.id, name=folder.name, path=folder.path, **_count(folder.tally))
        for folder in facets.folders(tx)
    ]


def _count(tally: Tally) -> dict[str, Any]:
    return {"count": tally.images, "bytes": tally.size_bytes}
