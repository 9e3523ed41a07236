"""Connections and transactions: a synchronous driver, called off the event loop."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError

from imageferry.errors import FatalError, Reason, TransientError

T = TypeVar("T")

Tx = Connection
"""A connection within its transaction, as reads and writes are given it."""

# The plain scheme people write, and the driver that serves it here.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mssql": "mssql+mssqlpython",
}
_LOCK_WAIT_S = 30


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# A tenth of the time that Python's own takes, and each file has some.
_JSON: dict[str, Any] = {"json_serializer": _json, "json_deserializer": msgspec.json.decode}
# Two crawls may meet the same new file or folder: the loser rolls back, runs again and finds it there.
_CONFLICTS_MAX = 3
# How long a transaction that failed rests; doubles.
_AGAIN_S = 0.05
_AGAIN_S_MAX = 5


class Transactions(Protocol):
    """What runs reads and writes, each in a transaction of its own: a catalog, or whoever stands before one."""

    async def read(self, query: Callable[[Tx], T]) -> T:
        """The answer of a query."""
        ...

    async def write(self, change: Callable[[Tx], T]) -> T:
        """What a change returns, once it is committed."""
        ...


class Catalog:
    """The database behind a URL; reads and writes run in threads, each in one transaction.

    A write is a function of a connection that may be run again: when the database was busy, chose it as
    a deadlock's victim, failed over or was away for a while, all of it is rolled back and repeated, for
    `patience_s` seconds. Then TransientError(CATALOG_UNAVAILABLE) is raised.

    A server is asked to roll back what is silent for `silent_s` seconds in the midst of a transaction: a process
    that was frozen there would hold its rows, and all who wait for them, for as long as it is.
    """

    def __init__(self, url: str, *, connections: int = 8, patience_s: float = 60, silent_s: float = 60) -> None:
        self.url = _parse(url)
        self._patience_s = patience_s
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            # SQLite has one writer: a second would only wait for the first, in a busy loop.
            self.engine = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", cache_kib=16_384)
            self._reading_engine = _sqlite_engine(self.url, begin="BEGIN", cache_kib=4_096)
            writers, readers = 1, 4
        else:
            # PostgreSQL's default, asked of MySQL too: its own shows a transaction that waited for a lock what
            # stood before it waited.
            self.engine = self._reading_engine = create_engine(
                self.url,
                pool_size=connections,
                max_overflow=0,
                pool_pre_ping=True,
                pool_recycle=1800,
                isolation_level="READ COMMITTED",
                **_JSON,
            )
            _set_up_connections(self.engine, silent_s=silent_s)
            writers = readers = connections
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="catalog-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="catalog-read")

    async def read(self, query: Callable[[Tx], T], *, patience_s: float | None = None) -> T:
        """The answer of a query, in a transaction of its own; tried again like a write."""
        return await self._run(self._readers, self._reading_engine, query, patience_s)

    async def write(self, change: Callable[[Tx], T], *, patience_s: float | None = None) -> T:
        """What a change returns, once it is committed."""
        return await self._run(self._writers, self.engine, change, patience_s)

    async def close(self) -> None:
        """Wait for what runs, then disconnect; idempotent."""
        for threads in (self._writers, self._readers):
            await asyncio.to_thread(threads.shutdown)
        self.engine.dispose()
        self._reading_engine.dispose()

    async def _run(
        self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Tx], T], patience_s: float | None
    ) -> T:
        loop = asyncio.get_running_loop()
        ends_at_s = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        rest_s = _AGAIN_S
        while True:
            try:
                return await loop.run_in_executor(threads, _transact, engine, work)
            except TransientError:
                if time.monotonic() + rest_s > ends_at_s:
                    raise
            # With jitter: what failed together does not come back together.
            await asyncio.sleep(rest_s * random.uniform(1.0, 1.5))
            rest_s = min(2 * rest_s, _AGAIN_S_MAX)


def _transact(engine: Engine, work: Callable[[Tx], T]) -> T:
    try:
        for _ in range(_CONFLICTS_MAX):
            with suppress(IntegrityError), engine.begin() as tx:
                return work(tx)
        with engine.begin() as tx:
            return work(tx)
    except OperationalError as exc:
        raise TransientError(Reason.CATALOG_UNAVAILABLE, f"The catalog did not answer: {exc.orig}.") from exc
    except DBAPIError as exc:
        if exc.connection_invalidated:
            message = f"The connection to the catalog was lost: {exc.orig}."
            raise TransientError(Reason.CATALOG_UNAVAILABLE, message) from exc
        raise


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
        if url.drivername in _DRIVERS:
            url = url.set(drivername=_DRIVERS[url.drivername])
        url.get_dialect().import_dbapi()
    except ImportError as exc:
        mend = "pip install 'imageferry[mssql]'" if url.get_backend_name() == "mssql" else "install it"
        raise FatalError(
            Reason.MISCONFIGURED, f"DATABASE_URL needs the driver {exc.name}, which is not there: {mend}."
        ) from exc
    except (ArgumentError, NoSuchModuleError, ValueError) as exc:  # no number as its port
        message = "DATABASE_URL is not a database URL such as sqlite:///path/catalog.db or postgresql://user@host/name."
        raise FatalError(Reason.MISCONFIGURED, message) from exc
    return url


def _sqlite_engine(url: URL, *, begin: str, cache_kib: int) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _LOCK_WAIT_S, "check_same_thread": False}, **_JSON)
    # sqlite3 lets go of Python's lock at each row of an executemany, and waits for a busy event loop to have it
    # back: many rows in one statement wait once.
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN comes late and never before DDL: transactions are begun by hand below.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "PRAGMA synchronous = NORMAL"
        )  # survives a killed process; a power cut may undo the last moments
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA temp_store = MEMORY")  # else each upsert writes a journal of its own to a disk

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _set_up_connections(engine: Engine, *, silent_s: float) -> None:
    statements = {
        "postgresql": (
            f"SET idle_in_transaction_session_timeout = {round(silent_s * 1000)}",
            # A prepared statement would keep a plan for any values, made when the table was as small as it was then.
            "SET plan_cache_mode = force_custom_plan",
        ),
        # In a transaction or out of it: the pool finds out, and connects again.
        "mysql": (f"SET SESSION wait_timeout = {max(round(silent_s), 1)}",),
    }.get(engine.dialect.name, ())

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()
