"""`python -m benchmarks.seed --home DIR --records 1000000`: create a catalog of any size, with sample pictures.

Serve it with `IMAGEFERRY_HOME=DIR imageferry serve`.
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

from benchmarks.dataset import JOBS, SOURCE, STORED_AT, SampleObject, folder_id, image_rows, job_id
from imageferry.bootstrap.components import open_components
from imageferry.catalog.database.tables import image_words, images
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.counter_rebuild import rebuild
from imageferry.catalog.jobs import jobs
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree
from imageferry.model import Job, JobOptions, JobState
from imageferry.settings import Settings
from imageferry.stores.store import Store

CHUNK = 20_000


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the folder to create; the value of IMAGEFERRY_HOME")
    parser.add_argument("--records", type=int, default=1_000_000)
    arguments = parser.parse_args()
    started_s = time.perf_counter()
    asyncio.run(seed_home(arguments.home, arguments.records))
    sys.stderr.write(f"{arguments.records:,} records in {time.perf_counter() - started_s:.0f} s\n")
    return 0


async def seed_home(home: Path, count: int) -> None:
    """Write records and their sample objects into an empty home."""
    async with open_components(Settings.load(home=home)) as components:
        samples = await _samples(components.store)
        rows = image_rows(count, store=components.store.url, samples=samples)
        await components.catalog.write(lambda tx: fill(tx, rows, store=components.store.url))


def fill(tx: Connection, rows: Iterator[dict[str, Any]], *, store: str) -> None:
    """Write jobs, records, words and counters into an empty catalog."""
    for number in range(JOBS):
        _create_job(tx, number, store)
    indexes = [index for table in (images, image_words) for index in table.indexes]
    for index in indexes:
        index.drop(tx)
    while chunk := list(islice(rows, CHUNK)):
        _copy(tx, images, tuple(chunk[0]), [tuple(row.values()) for row in chunk])
        words = ((row["id"], word) for row in chunk for word in sorted(name_tokens.tokenize(row["name"])))
        _copy(tx, image_words, ("image_id", "word"), list(words))
    for index in indexes:
        index.create(tx)
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT setval(pg_get_serial_sequence('images', 'id'), (SELECT max(id) FROM images))"))
    rebuild(tx)


def analyze(tx: Connection) -> None:
    """Update the planner's statistics, as databases do by themselves in time; `tx` must be in autocommit mode."""
    for statement in {"postgresql": ["VACUUM ANALYZE"], "sqlite": ["ANALYZE"]}.get(
        tx.dialect.name, ["ANALYZE TABLE images, image_words, image_counts, image_counts_by_day"]
    ):
        tx.execute(text(statement))


def _copy(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows in the fastest way of each database."""
    target = f"{table.name} ({', '.join(columns)})"
    if tx.dialect.name == "postgresql":
        connection: Any = tx.connection.driver_connection
        with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    placeholder = "?" if tx.dialect.paramstyle == "qmark" else "%s"
    if placeholder == "?":
        rows = [
            tuple(cell.isoformat(" ", "microseconds") if isinstance(cell, datetime) else cell for cell in row)
            for row in rows
        ]
    values = ", ".join([placeholder] * len(columns))
    tx.exec_driver_sql(f"INSERT INTO {target} VALUES ({values})", rows)  # noqa: S608 - only our own names


def _create_job(tx: Connection, number: int, store: str) -> None:
    job = Job(
        id=job_id(number),
        source=SOURCE,
        folder_id=folder_id(number),
        folder_name=f"Library {number + 1}",
        store=store,
        options=JobOptions(),
        created_at=STORED_AT,
    )
    jobs.create(tx, job)
    jobs.save(tx, replace(job, state=JobState.COMPLETED, open_folders=0, started_at=STORED_AT, finished_at=STORED_AT))


async def _samples(store: Store) -> list[SampleObject]:
    """Put the pictures of the sample album into the store."""
    tree = Tree()
    await asyncio.to_thread(sample_album, tree)
    samples = []
    for node in tree.files():
        if node.content is None or not node.mime_type.startswith("image/"):
            continue
        data = node.content.read(0, node.content.size_bytes)
        try:
            with Image.open(BytesIO(data)) as picture:
                width, height = picture.size
        except OSError:  # Pillow can't read this format
            continue
        key = f"samples/{node.id}"
        await store.put(key, data, mime_type=node.mime_type)
        sample = SampleObject(
            object_key=key,
            mime_type=node.mime_type,
            md5=md5(data, usedforsecurity=False).hexdigest(),
            size_bytes=len(data),
            width=width,
            height=height,
        )
        samples.append(sample)
    return samples


if __name__ == "__main__":
    sys.exit(main())
