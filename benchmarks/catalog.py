"""`python -m benchmarks catalog --records 1000000 --database sqlite`: measure image searches in a large catalog.

Creates a database, or uses the one that `--url` names. Prints the times of each query, and writes them, with the plan
of its slowest statement, to benchmarks/results/.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

from benchmarks import report
from benchmarks.dataset import (
    COMMON_WORD,
    RARE_CAMERA,
    RARE_TYPE,
    RARE_WORD,
    folder_id,
    image_rows,
    job_id,
)
from benchmarks.seed import analyze, fill
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.images import counters, records
from imageferry.catalog.images.counters import Dimension
from imageferry.catalog.search import facets
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import ImageSearch, position_of
from imageferry.catalog.search.index_scan import Position
from imageferry.errors import UsageError

PAGE = 50
ROUNDS = 7
STORE = "file:///benchmark"
SERVERS = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "mysql": "mysql+pymysql://root@127.0.0.1:3306/mysql",
}
FILTERS = {
    "everything": Filter(),
    "a folder of a tenth": Filter(folder_id=folder_id(0)),
    "a small folder": Filter(folder_id=folder_id(1900)),
    "the commonest type": Filter(mime_types=("image/jpeg",)),
    "a rare type": Filter(mime_types=(RARE_TYPE,)),
    "a common camera": Filter(camera="Canon EOS 80D"),
    "a rare camera": Filter(camera=RARE_CAMERA),
    "a job": Filter(job_id=job_id(3)),
    "with a location": Filter(has_location=True),
    "three years": Filter(date_from=date(2015, 1, 1), date_to=date(2017, 12, 31)),
    "ten years": Filter(date_from=date(2016, 1, 1), date_to=date(2025, 12, 31)),
    "large files": Filter(size_min_bytes=30_000_000),
    "a rare word": Filter(words=(RARE_WORD,)),
    "a common word": Filter(words=(COMMON_WORD,)),
    "a one-letter prefix": Filter(words=("i",)),
    "an unknown word": Filter(words=("nowhere",)),
    "a common word and camera": Filter(words=(COMMON_WORD,), camera="Canon EOS 80D"),
    "a common word in a folder": Filter(words=(COMMON_WORD,), folder_id=folder_id(0)),
    "a common camera in three years": Filter(
        camera="Canon EOS 80D", date_from=date(2015, 1, 1), date_to=date(2017, 12, 31)
    ),
    "a location and large": Filter(has_location=True, size_min_bytes=10_000_000),
}

Query = Callable[[Connection], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The times of one query."""

    query: str
    fastest_ms: float  # the best estimate of the time on an idle machine
    median_ms: float
    slowest_ms: float
    cpu_ms: float  # median CPU time, here and in the database server
    rows: int | None  # returned; of images, at most PAGE
    plan: list[str]  # the slowest statement, then its plan


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks catalog", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", *SERVERS], default="sqlite")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--url", help="an existing database, seeded with this number of records")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        url = options.url or stack.enter_context(_temporary_database(options.database))
        measurements = asyncio.run(_measure_all(url, options.records, options.rounds, seeded=options.url is not None))
    width = max(len(measured.query) for measured in measurements)
    for measured in measurements:
        times = (
            (measured.fastest_ms, "fastest"),
            (measured.median_ms, "median"),
            (measured.slowest_ms, "slowest"),
            (measured.cpu_ms, "CPU"),
        )
        rows = "" if measured.rows is None else f"   {measured.rows} rows"
        columns = "".join(f"   {label} {ms:8.1f} ms" for ms, label in times)
        sys.stdout.write(f"{measured.query:{width}}{columns}{rows}\n")
    facts = {"records": options.records, "measurements": [asdict(measured) for measured in measurements]}
    sys.stderr.write(f"Written to {report.save_facts(f'catalog-{options.database}', facts)}\n")
    return 0


async def _measure_all(url: str, count: int, rounds: int, *, seeded: bool) -> list[Measurement]:
    catalog = Catalog(url)
    try:
        if not seeded:
            await migrate(catalog)
            await catalog.write(lambda tx: fill(tx, image_rows(count, store=STORE), store=STORE))
            with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                analyze(connection)
        return await catalog.read(lambda tx: [_measure(tx, name, query, rounds) for name, query in _queries(tx)])
    finally:
        await catalog.close()


def _queries(tx: Connection) -> Iterator[tuple[str, Query]]:
    yield "stats: types", partial(counters.top, dimension=Dimension.TYPE, limit=200)
    yield "stats: folders", facets.top_folders
    yield "stats: days", partial(counters.counts_by_day, dimension=Dimension.ALL, values=[""], limit=facets.DAYS_MAX)
    yield "facets: cameras", partial(counters.top, dimension=Dimension.CAMERA, limit=200)
    halfway = records.by_ids(tx, [records.newest_id(tx) // 2])[0]
    for name, image_filter in FILTERS.items():
        total = ImageSearch.open(tx, image_filter).total()
        yield f"{name}: total", partial(_total, image_filter=image_filter)
        yield f"{name}: timeline", partial(facets.timeline, image_filter=image_filter)
        for sort in (Sort.DATE_DESC, Sort.CREATED, Sort.NAME, Sort.SIZE_DESC):
            yield f"{name}: first page by {sort}", partial(_page, image_filter=image_filter, sort=sort, offset=0)
            after = position_of(halfway, sort)
            yield (
                f"{name}: after a cursor by {sort}",
                partial(_after, image_filter=image_filter, sort=sort, after=after),
            )
            from_start = partial(_after, image_filter=image_filter, sort=sort.reverse, after=None)
            yield f"{name}: by cursors from the start by {sort.reverse}", from_start
        for sort in (Sort.DATE_DESC, Sort.CREATED, Sort.SIZE_DESC):
            for part in (2, 1):
                offset = max(total.images // part - PAGE, 0)
                which = "last" if part == 1 else "middle"
                page = partial(_page, image_filter=image_filter, sort=sort, offset=offset)
                if total.exact and offset > PAGE and not _is_refused(tx, page):
                    yield f"{name}: {which} page by {sort}", page


def _is_refused(tx: Connection, page: Query) -> bool:
    """Return whether the offset is too large to be served."""
    try:
        page(tx)
    except UsageError:
        return True
    return False


def _total(tx: Connection, *, image_filter: Filter) -> object:
    return ImageSearch.open(tx, image_filter).total()


def _page(tx: Connection, *, image_filter: Filter, sort: Sort, offset: int) -> Sequence[object]:
    """Read a page and the total, as the gateway does."""
    search = ImageSearch.open(tx, image_filter)
    rows = search.page(sort, limit=PAGE, offset=offset)
    search.total()
    return rows


def _after(tx: Connection, *, image_filter: Filter, sort: Sort, after: Position | None) -> Sequence[object]:
    """Read a page after a position and the total, as the gateway does."""
    search = ImageSearch.open(tx, image_filter)
    rows = search.page_after(sort, limit=PAGE, after=after).rows
    search.total()
    return rows


def _measure(tx: Connection, name: str, query: Query, rounds: int) -> Measurement:
    with _recorded_statements(tx.engine) as recorded:
        result = query(tx)
    wall_ms, cpu_ms = [], []
    server_schedstat = _schedstat(tx)
    for _ in range(rounds):
        start_s, start_cpu_s = time.perf_counter(), time.thread_time() + _cpu_s(server_schedstat)
        query(tx)
        wall_ms.append((time.perf_counter() - start_s) * 1000)
        cpu_ms.append((time.thread_time() + _cpu_s(server_schedstat) - start_cpu_s) * 1000)
    _, statement, parameters = max(recorded, default=(0.0, "", ()), key=lambda execution: execution[0])
    plan = _plan(tx, statement, parameters) if statement else []
    fastest, middle, slowest = (round(aggregate(wall_ms), 2) for aggregate in (min, median, max))
    rows = len(result) if isinstance(result, Sequence) else None
    return Measurement(
        query=name,
        fastest_ms=fastest,
        median_ms=middle,
        slowest_ms=slowest,
        cpu_ms=round(median(cpu_ms), 2),
        rows=rows,
        plan=plan,
    )


def _schedstat(tx: Connection) -> Path | None:
    """Return the scheduler statistics of the database server's thread; None: SQLite runs in this thread."""
    match tx.dialect.name:
        case "sqlite":
            return None
        case "postgresql":
            thread_id = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        case _:
            query = "SELECT tid FROM information_schema.processlist WHERE id = connection_id()"
            thread_id = tx.execute(text(query)).scalar_one()
    return Path(f"/proc/{thread_id}/schedstat")


def _cpu_s(schedstat: Path | None) -> float:
    return int(schedstat.read_text().split()[0]) / 1e9 if schedstat else 0.0


@contextmanager
def _recorded_statements(engine: Engine) -> Iterator[list[tuple[float, str, Any]]]:
    """Yield a list that records each SELECT: its duration in seconds, the statement and its parameters."""
    recorded: list[tuple[float, str, Any]] = []
    started_s: list[float] = []

    def before_execute(*_: object) -> None:
        started_s.append(time.perf_counter())

    def after_execute(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401 - of the driver
        duration_s = time.perf_counter() - started_s.pop()
        if statement.startswith("SELECT"):
            recorded.append((duration_s, statement, parameters))

    event.listen(engine, "before_cursor_execute", before_execute)
    event.listen(engine, "after_cursor_execute", after_execute)
    try:
        yield recorded
    finally:
        event.remove(engine, "before_cursor_execute", before_execute)
        event.remove(engine, "after_cursor_execute", after_execute)


def _plan(tx: Connection, statement: str, parameters: Any) -> list[str]:  # noqa: ANN401 - of the driver
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    rows = tx.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return [statement[:500], *(" | ".join(map(str, row))[:300] for row in rows)]


@contextmanager
def _temporary_database(dialect: str) -> Iterator[str]:
    """Yield the URL of an empty database; drop it at the end."""
    if dialect == "sqlite":
        with TemporaryDirectory(prefix="imageferry-catalog-") as folder:
            yield f"sqlite:///{Path(folder) / 'catalog.db'}"
        return
    name = "imageferry_benchmark"
    server = make_url(SERVERS[dialect])
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()
