"""Database connections and transactions: a synchronous driver, called in threads, off the event loop."""

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from imageferry.catalog.database.refusals import REFUSALS, explain_refusal
from imageferry.catalog.database.urls import parse_url
from imageferry.errors import Reason, RefusedRowError, TransientError

T = TypeVar("T")

Tx = Connection
"""A connection with an open transaction; what queries and changes receive."""

_SQLITE_LOCK_TIMEOUT_S = 30
_CONNECT_ARGS: dict[str, dict[str, Any]] = {
    # PgBouncer gives each transaction another session, which has not prepared the statements. The default encoding is
    # the database's.
    "postgresql": {"prepare_threshold": None, "client_encoding": "utf8"},
    "mysql": {"charset": "utf8mb4"},
}


def _encode_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# A tenth of the time of Python's own json module; every file has some JSON.
_JSON_CODECS: dict[str, Any] = {"json_serializer": _encode_json, "json_deserializer": msgspec.json.decode}
# Two crawls may insert the same new file or folder: the loser rolls back, runs again and finds the row.
_CONFLICT_RETRIES_MAX = 3
# Pause before a failed transaction is retried; doubles each time.
_RETRY_DELAY_S = 0.05
_RETRY_DELAY_S_MAX = 5


class TransactionRunner(Protocol):
    """Runs queries and changes, each in its own transaction. Implemented by Catalog and by wrappers around it."""

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Return the result of a query."""
        ...

    async def write(self, change: Callable[[Tx], T]) -> T:
        """Return the result of a change, after its transaction is committed."""
        ...


class Catalog:
    """The database behind a URL. Reads and writes run in threads, each in one transaction.

    A query or change is a function of a connection, and it may run more than once: when the database is busy, picks
    it as a deadlock victim, fails over or is unreachable, everything is rolled back and repeated for up to
    `retry_timeout_s` seconds. Then TransientError(CATALOG_UNAVAILABLE) is raised. RefusedRowError: the database refuses
    a value of what was to be written.

    The server rolls back a transaction that is idle for `idle_transaction_timeout_s` seconds: a process that is
    frozen in the middle of one would otherwise keep its rows locked, and block every other process that needs them.
    """

    def __init__(
        self, url: str, *, pool_size: int = 8, retry_timeout_s: float = 60, idle_transaction_timeout_s: float = 60
    ) -> None:
        self.url = parse_url(url)
        self._retry_timeout_s = retry_timeout_s
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            _create_for_owner(self.url.database)
            # SQLite has one writer: a second one would only wait for the first, in a busy loop.
            self.engine = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", cache_kib=16_384)
            self._read_engine = _sqlite_engine(self.url, begin="BEGIN", cache_kib=4_096)
            write_threads, read_threads = 1, 4
        else:
            # READ COMMITTED is PostgreSQL's default. MySQL's default, REPEATABLE READ, would show a transaction that
            # waited for a lock the rows as they were before it waited.
            self.engine = self._read_engine = create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=0,
                pool_pre_ping=True,
                pool_recycle=1800,
                isolation_level="READ COMMITTED",
                connect_args=_CONNECT_ARGS.get(self.url.get_backend_name(), {}),
                **_JSON_CODECS,
            )
            _limit_idle_transactions(self.engine, timeout_s=idle_transaction_timeout_s)
            write_threads = read_threads = pool_size
        self._write_pool = ThreadPoolExecutor(write_threads, thread_name_prefix="catalog-write")
        self._read_pool = ThreadPoolExecutor(read_threads, thread_name_prefix="catalog-read")

    async def read(self, query: Callable[[Tx], T], *, retry_timeout_s: float | None = None) -> T:
        """Return the result of a query, run in its own transaction; retried like a write."""
        return await self._run(self._read_pool, self._read_engine, query, retry_timeout_s)

    async def write(self, change: Callable[[Tx], T], *, retry_timeout_s: float | None = None) -> T:
        """Return the result of a change, after its transaction is committed."""
        return await self._run(self._write_pool, self.engine, change, retry_timeout_s)

    async def close(self) -> None:
        """Wait for running transactions, then disconnect. Idempotent."""
        for pool in (self._write_pool, self._read_pool):
            await asyncio.to_thread(pool.shutdown)
        self.engine.dispose()
        self._read_engine.dispose()

    async def _run(
        self, pool: ThreadPoolExecutor, engine: Engine, work: Callable[[Tx], T], retry_timeout_s: float | None
    ) -> T:
        loop = asyncio.get_running_loop()
        deadline_s = time.monotonic() + (self._retry_timeout_s if retry_timeout_s is None else retry_timeout_s)
        delay_s = _RETRY_DELAY_S
        while True:
            try:
                return await loop.run_in_executor(pool, _run_in_transaction, engine, work)
            except TransientError:
                if time.monotonic() + delay_s > deadline_s:
                    raise
            # With jitter, so that transactions that failed together don't retry together.
            await asyncio.sleep(delay_s * random.uniform(1.0, 1.5))
            delay_s = min(2 * delay_s, _RETRY_DELAY_S_MAX)


def _run_in_transaction(engine: Engine, work: Callable[[Tx], T]) -> T:
    try:
        for _ in range(_CONFLICT_RETRIES_MAX):
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
        raise _refused_row(exc) or exc from exc.__cause__
    except REFUSALS as exc:
        raise _refused_row(exc) or exc from exc.__cause__


def _refused_row(error: Exception) -> RefusedRowError | None:
    why = explain_refusal(error)
    return None if why is None else RefusedRowError(Reason.INVALID_ENTRY, f"The catalog can't hold it: {why}.")


def _create_for_owner(path: str | None) -> None:
    """Create a database's file for its owner alone: SQLite gives the files beside it the same permissions."""
    if path and path != ":memory:" and not path.startswith("file:"):
        with suppress(OSError):  # the connection reports it
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _sqlite_engine(url: URL, *, begin: str, cache_kib: int) -> Engine:
    connect_args = {"timeout": _SQLITE_LOCK_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=connect_args, **_JSON_CODECS)
    # In an executemany, sqlite3 releases the GIL at every row and waits for a busy event loop to give it back.
    # One statement with many rows waits once.
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN comes late, and never before DDL: `_begin` below starts transactions instead.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # Survives a killed process; a power failure may lose the last transactions.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _limit_idle_transactions(engine: Engine, *, timeout_s: float) -> None:
    if engine.dialect.name == "postgresql":
        statement = f"SET LOCAL idle_in_transaction_session_timeout = {round(timeout_s * 1000)}"

        # For the transaction, not for the session: behind PgBouncer, another client has that next.
        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(statement)

    if engine.dialect.name == "mysql":
        # Also closes connections that are idle outside of a transaction: the pool notices and reconnects.
        session_statement = f"SET SESSION wait_timeout = {max(round(timeout_s), 1)}"

        @event.listens_for(engine, "connect")
        def _connect(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute(session_statement)
            cursor.close()
            connection.commit()
