"""Database connections: their number does not depend on the number of uploaders."""

import asyncio

import pytest
from sqlalchemy import create_engine, make_url, text

from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from tests.drivers.workers import WorkerGroup

pytestmark = pytest.mark.integration

FILES = 300
POLL_INTERVAL_S = 0.1


async def test_uploaders_open_no_database_connection(tree: Tree, workers: WorkerGroup) -> None:
    workers.flow.setting_overrides["database_connections"] = 2
    workers.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1, times=None))
    await workers.start("crawl,record", processes=2, IMAGEFERRY_DATABASE_CONNECTIONS="2")
    peaks = []
    for uploaders in (1, 5):
        await workers.start("transfer", processes=uploaders)
        root = tree.folder(f"Root of {uploaders}")
        tree.numbered_files(root, FILES, size_bytes=100)
        importing = asyncio.create_task(workers.flow.run(root))
        peak = 0
        while not importing.done():
            peak = max(peak, await asyncio.to_thread(_connections, workers.flow.settings.catalog_url))
            await asyncio.sleep(POLL_INTERVAL_S)
        assert (await importing).job.stored == FILES
        peaks.append(peak)

    # Two worker processes, their sweep loop and the command that follows the job open at most two each.
    assert 0 < max(peaks) <= 4 * 2
    assert peaks[1] <= peaks[0] + 1  # a process may have opened its second connection late


def _connections(url: str) -> int:
    """Return the number of other connections to a PostgreSQL database."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    try:
        with engine.connect() as connection:
            return int(connection.execute(query).scalar_one())
    finally:
        engine.dispose()
