"""Overviews: how images are spread over days, types, folders, cameras and jobs."""

from collections.abc import Collection
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Date, Select, func, select

from imageferry.catalog.database.tables import images, jobs
from imageferry.catalog.database.tables import tallies as tallies_table
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Kind, Tally
from imageferry.catalog.search.filters import Filter, dimension
from imageferry.catalog.search.image_search import USUAL, Listing

FACETS_MAX = 200
DAYS_MAX = 20_000


class Timeline(Struct, frozen=True, kw_only=True):
    """How many images a filter leaves of each day, the newest first."""

    days: list[tuple[date, int]]
    exact: bool  # False: of the newest alone


def timeline(tx: Connection, wanted: Filter) -> Timeline:
    """The days of what a filter leaves, by the tallies where they know them."""
    known = dimension(wanted)
    if known is not None:
        kind, values = known
        found = counters.daily(tx, kind, values, limit=DAYS_MAX, first=wanted.shown_from, last=wanted.shown_to)
        return Timeline(days=[(day, tally.images) for day, tally in found], exact=len(found) < DAYS_MAX)
    some, exact = Listing(tx, wanted).newest(USUAL.newest)
    return Timeline(days=_by_days(tx, some.order_by(None)), exact=exact)


def _by_days(tx: Connection, ids: Select[Any]) -> list[tuple[date, int]]:
    some = ids.subquery()
    day = func.date(images.c.shown_at, type_=Date)
    query = select(day, func.count()).select_from(images.join(some, some.c.id == images.c.id))
    return [(day, count) for day, count in tx.execute(query.group_by(day).order_by(day.desc()))]


class Folder(Struct, frozen=True, kw_only=True):
    """A folder that holds images."""

    id: str
    path: str | None  # below the folder that was imported
    name: str | None
    tally: Tally


def folders(tx: Connection, *, limit: int = FACETS_MAX) -> list[Folder]:
    """The folders that hold most."""
    found = dict(counters.every(tx, Kind.FOLDER, limit=limit))
    path = select(images.c.path).where(images.c.folder_id == tallies_table.c.value).limit(1).scalar_subquery()
    root = select(jobs.c.folder_name).where(jobs.c.folder_id == tallies_table.c.value).limit(1).scalar_subquery()
    of_these = (tallies_table.c.kind == Kind.FOLDER, tallies_table.c.value.in_(found))
    told = {row[0]: row for row in tx.execute(select(tallies_table.c.value, path, root).where(*of_these))}
    return [
        Folder(id=folder_id, path=told[folder_id][1], name=_name(*told[folder_id][1:]), tally=tally)
        for folder_id, tally in found.items()
    ]


def job_names(tx: Connection, job_ids: Collection[str]) -> dict[str, str | None]:
    """The names of the folders that jobs imported, of those that are still there."""
    query = select(jobs.c.id, jobs.c.folder_name).where(jobs.c.id.in_(job_ids))
    return dict(tx.execute(query).all())


def job_states(tx: Connection) -> dict[str, int]:
    """How many jobs are in which state."""
    return dict(tx.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all())


def _name(path: str | None, imported: str | None) -> str | None:
    return path.rpartition("/")[2] if path else imported
