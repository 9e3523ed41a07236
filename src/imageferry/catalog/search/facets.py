"""Facets: images by day, type, folder, camera and job."""

from collections.abc import Collection
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, func, select

from imageferry.catalog.database.date_of import date_of
from imageferry.catalog.database.tables import image_counts, images, jobs
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Dimension, ImageCount
from imageferry.catalog.search.filters import Filter, single_dimension
from imageferry.catalog.search.image_search import DEFAULT_LIMITS, ImageSearch

FACETS_MAX = 200
DAYS_MAX = 20_000


class Timeline(Struct, frozen=True, kw_only=True):
    """The number of matching images for each day, newest first."""

    days: list[tuple[date, int]]
    exact: bool  # False: only of the newest images


def timeline(tx: Connection, image_filter: Filter) -> Timeline:
    """Return the days of the images that match a filter, from the counters where they answer it."""
    counted = single_dimension(image_filter)
    if counted is not None:
        dimension, values = counted
        found = counters.counts_by_day(
            tx, dimension, values, limit=DAYS_MAX, first=image_filter.date_from, last=image_filter.date_to
        )
        return Timeline(days=[(day, count.images) for day, count in found], exact=len(found) < DAYS_MAX)
    newest, exact = ImageSearch.open(tx, image_filter).newest_ids(DEFAULT_LIMITS.newest_max)
    return Timeline(days=_count_days(tx, newest.order_by(None)), exact=exact)


def _count_days(tx: Connection, ids: Select[Any]) -> list[tuple[date, int]]:
    matches = ids.subquery()
    day = date_of(images.c.sort_date)
    query = select(day, func.count()).select_from(images.join(matches, matches.c.id == images.c.id))
    return [(day, count) for day, count in tx.execute(query.group_by(day).order_by(day.desc()))]


class FolderFacet(Struct, frozen=True, kw_only=True):
    """A folder that has images."""

    id: str
    path: str | None  # below the imported folder
    name: str | None
    count: ImageCount


def top_folders(tx: Connection, *, limit: int = FACETS_MAX) -> list[FolderFacet]:
    """Return the folders with the most images."""
    counts = dict(counters.top(tx, Dimension.FOLDER, limit=limit))
    folder_id = image_counts.c.value
    path = select(images.c.path).where(images.c.folder_id == folder_id).limit(1).scalar_subquery()
    root_name = select(jobs.c.folder_name).where(jobs.c.folder_id == folder_id).limit(1).scalar_subquery()
    is_folder = (image_counts.c.dimension == Dimension.FOLDER, folder_id.in_(counts))
    rows = {row[0]: row for row in tx.execute(select(folder_id, path, root_name).where(*is_folder))}
    return [
        FolderFacet(id=folder, path=rows[folder][1], name=_folder_name(*rows[folder][1:]), count=count)
        for folder, count in counts.items()
    ]


def folder_names_by_job(tx: Connection, job_ids: Collection[str]) -> dict[str, str | None]:
    """Return the names of the folders that these jobs imported, by job id, of the jobs that still exist."""
    query = select(jobs.c.id, jobs.c.folder_name).where(jobs.c.id.in_(job_ids))
    return dict(tx.execute(query).all())


def job_counts_by_state(tx: Connection) -> dict[str, int]:
    """Return the number of jobs in each state that any job is in."""
    return dict(tx.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all())


def _folder_name(path: str | None, root_name: str | None) -> str | None:
    return path.rpartition("/")[2] if path else root_name
