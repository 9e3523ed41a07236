"""`python -m benchmarks catalog --records 1000000 --database sqlite`: what a list costs, however long it is.

Seeds a database of its own, or looks at the one that `--url` names; medians go to stdout and, with each
statement's plan, to benchmarks/results/.
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
from benchmarks.seed import fill, settle
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.images import counters, records
from imageferry.catalog.images.counters import Kind
from imageferry.catalog.search import facets
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import Listing, position
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
    "located": Filter(located=True),
    "three years": Filter(shown_from=date(2015, 1, 1), shown_to=date(2017, 12, 31)),
    "ten years": Filter(shown_from=date(2016, 1, 1), shown_to=date(2025, 12, 31)),
    "large files": Filter(size_min_bytes=30_000_000),
    "a rare word": Filter(words=(RARE_WORD,)),
    "a common word": Filter(words=(COMMON_WORD,)),
    "a letter": Filter(words=("i",)),
    "a word that is nowhere": Filter(words=("nowhere",)),
    "a common word and camera": Filter(words=(COMMON_WORD,), camera="Canon EOS 80D"),
    "a common word in a folder": Filter(words=(COMMON_WORD,), folder_id=folder_id(0)),
    "a common camera in three years": Filter(
        camera="Canon EOS 80D", shown_from=date(2015, 1, 1), shown_to=date(2017, 12, 31)
    ),
    "located and large": Filter(located=True, size_min_bytes=10_000_000),
}

Query = Callable[[Connection], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one query took."""

    query: str
    fastest_ms: float  # what it takes where nothing else wants the machine, as near as can be told
    median_ms: float
    slowest_ms: float
    cpu_ms: float  # the median of what it took of processors, here and at the database: waiting for others is not in it
    rows: int | None  # how many were answered; of images, at most 50
    plan: list[str]  # of its slowest statement


def main(arguments: Sequence[str]) -> int:
    """Measure; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks catalog", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", *SERVERS], default="sqlite")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--url", help="a database that is seeded already with so many records")
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        url = asked.url or stack.enter_context(_database(asked.database))
        figures = asyncio.run(_measure(url, asked.records, asked.rounds, seeded=asked.url is not None))
    width = max(len(figure.query) for figure in figures)
    for figure in figures:
        times = (
            (figure.fastest_ms, "fastest"),
            (figure.median_ms, "median"),
            (figure.slowest_ms, "slowest"),
            (figure.cpu_ms, "CPU"),
        )
        answered = "" if figure.rows is None else f"   {figure.rows} rows"
        told = "".join(f"   {what} {ms:8.1f} ms" for ms, what in times)
        sys.stdout.write(f"{figure.query:{width}}{told}{answered}\n")
    facts = {"records": asked.records, "figures": [asdict(figure) for figure in figures]}
    sys.stderr.write(f"Written to {report.keep(f'catalog-{asked.database}', facts)}\n")
    return 0


async def _measure(url: str, count: int, rounds: int, *, seeded: bool) -> list[Figure]:
    catalog = Catalog(url)
    try:
        if not seeded:
            await migrate(catalog)
            await catalog.write(lambda tx: fill(tx, image_rows(count, store=STORE), store=STORE))
            with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                settle(connection)
        return await catalog.read(lambda tx: [_figure(tx, name, query, rounds) for name, query in _queries(tx)])
    finally:
        await catalog.close()


def _queries(tx: Connection) -> Iterator[tuple[str, Query]]:
    yield "stats: types", partial(counters.every, kind=Kind.TYPE, limit=200)
    yield "stats: folders", facets.folders
    yield "stats: days", partial(counters.daily, kind=Kind.ALL, values=[""], limit=facets.DAYS_MAX)
    yield "facets: cameras", partial(counters.every, kind=Kind.CAMERA, limit=200)
    halfway = records.some(tx, [records.newest_id(tx) // 2])[0]
    for name, wanted in FILTERS.items():
        total = Listing(tx, wanted).total()
        yield f"{name}: total", partial(_total, wanted=wanted)
        yield f"{name}: timeline", partial(facets.timeline, wanted=wanted)
        for sort in (Sort.SHOWN_DESC, Sort.CREATED, Sort.NAME, Sort.SIZE_DESC):
            yield f"{name}: first page by {sort}", partial(_page, wanted=wanted, sort=sort, offset=0)
            at = position(halfway, sort)
            yield f"{name}: by a cursor by {sort}", partial(_after, wanted=wanted, sort=sort, at=at)
            last = partial(_after, wanted=wanted, sort=sort.reversed, at=None)
            yield f"{name}: by a cursor from the beginning by {sort.reversed}", last
        for sort in (Sort.SHOWN_DESC, Sort.CREATED, Sort.SIZE_DESC):
            for part in (2, 1):
                offset = max(total.images // part - PAGE, 0)
                where = "last" if part == 1 else "middle"
                page = partial(_page, wanted=wanted, sort=sort, offset=offset)
                if total.exact and offset > PAGE and not _refused(tx, page):
                    yield f"{name}: {where} page by {sort}", page


def _refused(tx: Connection, page: Query) -> bool:
    """Whether a page is so far behind that nobody is given it."""
    try:
        page(tx)
    except UsageError:
        return True
    return False


def _total(tx: Connection, *, wanted: Filter) -> object:
    return Listing(tx, wanted).total()


def _page(tx: Connection, *, wanted: Filter, sort: Sort, offset: int) -> Sequence[object]:
    """As the gateway asks, the total with it."""
    listing = Listing(tx, wanted)
    rows = listing.page(sort, limit=PAGE, offset=offset)
    listing.total()
    return rows


def _after(tx: Connection, *, wanted: Filter, sort: Sort, at: Position | None) -> Sequence[object]:
    """The same."""
    listing = Listing(tx, wanted)
    rows = listing.after(sort, limit=PAGE, at=at).rows
    listing.total()
    return rows


def _figure(tx: Connection, name: str, query: Query, rounds: int) -> Figure:
    with _statements(tx.engine) as seen:
        answer = query(tx)
    taken, used = [], []
    at_server = _schedule(tx)
    for _ in range(rounds):
        began_s, used_s = time.perf_counter(), time.thread_time() + _ran_s(at_server)
        query(tx)
        taken.append((time.perf_counter() - began_s) * 1000)
        used.append((time.thread_time() + _ran_s(at_server) - used_s) * 1000)
    _, statement, parameters = max(seen, default=(0.0, "", ()), key=lambda one: one[0])
    plan = _plan(tx, statement, parameters) if statement else []
    fastest, middle, slowest = (round(of(taken), 2) for of in (min, median, max))
    cpu_ms, rows = round(median(used), 2), len(answer) if isinstance(answer, Sequence) else None
    return Figure(
        query=name, fastest_ms=fastest, median_ms=middle, slowest_ms=slowest, cpu_ms=cpu_ms, rows=rows, plan=plan
    )


def _schedule(tx: Connection) -> Path | None:
    """Where Linux tells how long the database's part of this connection ran; None: SQLite's is this thread."""
    match tx.dialect.name:
        case "sqlite":
            return None
        case "postgresql":
            thread = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        case _:
            query = "SELECT tid FROM information_schema.processlist WHERE id = connection_id()"
            thread = tx.execute(text(query)).scalar_one()
    return Path(f"/proc/{thread}/schedstat")


def _ran_s(schedule: Path | None) -> float:
    return int(schedule.read_text().split()[0]) / 1e9 if schedule else 0.0


@contextmanager
def _statements(engine: Engine) -> Iterator[list[tuple[float, str, Any]]]:
    """What is asked meanwhile: how long it took, the statement, its parameters."""
    seen: list[tuple[float, str, Any]] = []
    began: list[float] = []

    def before(*_: object) -> None:
        began.append(time.perf_counter())

    def after(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401 - the driver's
        took_s = time.perf_counter() - began.pop()
        if statement.startswith("SELECT"):
            seen.append((took_s, statement, parameters))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def _plan(tx: Connection, statement: str, parameters: Any) -> list[str]:  # noqa: ANN401 - the driver's
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    rows = tx.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return [statement[:500], *(" | ".join(map(str, row))[:300] for row in rows)]


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """An empty database that goes away at the end."""
    if kind == "sqlite":
        with TemporaryDirectory(prefix="imageferry-catalog-") as folder:
            yield f"sqlite:///{Path(folder) / 'catalog.db'}"
        return
    name = "imageferry_benchmark"
    server = make_url(SERVERS[kind])
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()
