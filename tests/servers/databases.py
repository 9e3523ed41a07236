"""An empty database for one test: a SQLite file, or a database on a reachable server."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy import create_engine, make_url, text

# The defaults of servers on a developer's machine; a variable overrides each.
SERVERS = {
    "postgresql": os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"),
    "mysql": os.environ.get("TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/mysql"),
}


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Create an empty database, yield its URL, drop it at the end; skip the test when its server is not reachable."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'catalog.db'}"
        return
    server = make_url(SERVERS[kind])
    needs_server(kind, host=server.host or "127.0.0.1", port=server.port or 0)
    name = f"imageferry_test_{token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            force = " WITH (FORCE)" if kind == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE {name}{force}"))
    finally:
        engine.dispose()


def needs_server(name: str, *, host: str, port: int) -> None:
    """Skip a test whose server is not reachable; in CI it fails instead."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return
    except OSError as exc:
        reason = f"No {name} server answers at {host}:{port} ({exc.strerror or exc})."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
