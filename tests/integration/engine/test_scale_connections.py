"""Connections to the database: as many as recorders need, however many uploaders there are."""

import asyncio

import pytest
from sqlalchemy import create_engine, make_url, text

from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from tests.drivers.workers import Crew

pytestmark = pytest.mark.integration

FILES = 300
LOOK_EVERY_S = 0.1


async def test_uploaders_open_no_connection(tree: Tree, crew: Crew) -> None:
    crew.flow.given["database_connections"] = 2
    crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1, times=None))
    await crew.start("crawl,record", processes=2, IMAGEFERRY_DATABASE_CONNECTIONS="2")
    peaks = []
    for uploaders in (1, 5):
        await crew.start("transfer", processes=uploaders)
        root = tree.folder(f"Root of {uploaders}")
        tree.numbered_files(root, FILES, size_bytes=100)
        importing = asyncio.create_task(crew.flow.run(root))
        peak = 0
        while not importing.done():
            peak = max(peak, await asyncio.to_thread(_connections, crew.flow.settings.catalog_url))
            await asyncio.sleep(LOOK_EVERY_S)
        assert (await importing).job.stored == FILES
        peaks.append(peak)

    # Two children, the sweeper beside them and the command that watches, with at most two each.
    assert 0 < max(peaks) <= 4 * 2
    assert peaks[1] <= peaks[0] + 1  # a child may have needed its second one only now


def _connections(url: str) -> int:
    """How many others are connected to a PostgreSQL database."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    try:
        with engine.connect() as connection:
            return int(connection.execute(query).scalar_one())
    finally:
        engine.dispose()
