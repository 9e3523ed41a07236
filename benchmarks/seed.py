"""`python -m benchmarks.seed --home DIR --records 1000000`: a catalog of any size, its pictures the samples'.

A gateway over it is `IMAGEFERRY_HOME=DIR imageferry serve`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import md5
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PIL import Image
from sqlalchemy import Connection, Table, text

from benchmarks.dataset import JOBS, SOURCE, STORED_AT, Sample, folder_id, image_rows, job_id
from imageferry.bootstrap.components import open_ferry
from imageferry.catalog.database.tables import images, words
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.counter_rebuild import recount
from imageferry.catalog.jobs import jobs
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree
from imageferry.model import Job, JobOptions, JobState
from imageferry.settings import Settings
from imageferry.stores.store import Store

CHUNK = 20_000


def main() -> int:
    """Fill the home that was asked for; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a folder, as IMAGEFERRY_HOME")
    parser.add_argument("--records", type=int, default=1_000_000)
    asked = parser.parse_args()
    began_s = time.perf_counter()
    asyncio.run(seed_home(asked.home, asked.records))
    sys.stderr.write(f"{asked.records:,} records in {time.perf_counter() - began_s:.0f} s\n")
    return 0


async def seed_home(home: Path, count: int) -> None:
    """Fill a home that has nothing."""
    async with open_ferry(Settings.load(home=home)) as ferry:
        samples = await _samples(ferry.store)
        rows = image_rows(count, store=ferry.store.url, samples=samples)
        await ferry.catalog.write(lambda tx: fill(tx, rows, store=ferry.store.url))


def fill(tx: Connection, rows: Iterator[dict[str, Any]], *, store: str) -> None:
    """Write records, and everything that is kept beside them, into a catalog that has none."""
    for number in range(JOBS):
        _complete(tx, number, store)
    indexes = [index for table in (images, words) for index in table.indexes]
    for index in indexes:
        index.drop(tx)
    while chunk := list(islice(rows, CHUNK)):
        _copy(tx, images, tuple(chunk[0]), [tuple(row.values()) for row in chunk])
        found = ((row["id"], word) for row in chunk for word in sorted(name_tokens.words(row["name"])))
        _copy(tx, words, ("image_id", "word"), list(found))
    for index in indexes:
        index.create(tx)
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT setval(pg_get_serial_sequence('images', 'id'), (SELECT max(id) FROM images))"))
    recount(tx)


def settle(tx: Connection) -> None:
    """Let the database learn what it holds, as it does by itself in time; outside of any transaction."""
    for statement in {"postgresql": ["VACUUM ANALYZE"], "sqlite": ["ANALYZE"]}.get(
        tx.dialect.name, ["ANALYZE TABLE images, words, tallies, days"]
    ):
        tx.execute(text(statement))


def _copy(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """The fastest way into each kind of database."""
    named = f"{table.name} ({', '.join(columns)})"
    if tx.dialect.name == "postgresql":
        connection: Any = tx.connection.driver_connection
        with connection.cursor() as cursor, cursor.copy(f"COPY {named} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    mark = "?" if tx.dialect.paramstyle == "qmark" else "%s"
    if mark == "?":
        rows = [
            tuple(cell.isoformat(" ", "microseconds") if isinstance(cell, datetime) else cell for cell in row)
            for row in rows
        ]
    tx.exec_driver_sql(f"INSERT INTO {named} VALUES ({', '.join([mark] * len(columns))})", rows)  # noqa: S608 - ours


def _complete(tx: Connection, number: int, store: str) -> None:
    job = Job(
        id=job_id(number),
        source=SOURCE,
        folder_id=folder_id(number),
        folder_name=f"Library {number + 1}",
        store=store,
        options=JobOptions(),
        created_at=STORED_AT,
    )
    jobs.accept(tx, job)
    jobs.save(tx, replace(job, state=JobState.COMPLETED, open_folders=0, started_at=STORED_AT, finished_at=STORED_AT))


async def _samples(store: Store) -> list[Sample]:
    """The sample album's pictures, put into the store."""
    tree = Tree()
    await asyncio.to_thread(sample_album, tree)
    found = []
    for node in tree.files():
        if node.content is None or not node.mime_type.startswith("image/"):
            continue
        data = node.content.read(0, node.content.size_bytes)
        try:
            with Image.open(BytesIO(data)) as picture:
                width, height = picture.size
        except OSError:  # what Pillow does not open has no size to show
            continue
        key = f"samples/{node.id}"
        await store.put(key, data, mime_type=node.mime_type)
        sample = Sample(
            object_key=key,
            mime_type=node.mime_type,
            md5=md5(data, usedforsecurity=False).hexdigest(),
            size_bytes=len(data),
            width=width,
            height=height,
        )
        found.append(sample)
    return found


if __name__ == "__main__":
    sys.exit(main())
