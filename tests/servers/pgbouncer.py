"""PgBouncer in transaction mode, on loopback: each transaction gets another session of PostgreSQL."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.servers.ports import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
SESSIONS = 2  # of PostgreSQL, for all clients


@contextmanager
def pgbouncer(database_url: str, folder: Path) -> Iterator[str]:
    """Run PgBouncer in front of a database; yield the URL through it. Skip the test when it is not installed."""
    if PROGRAM is None:
        reason = "PgBouncer is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    url, port = make_url(database_url), free_port()
    config = folder / "pgbouncer.ini"
    password = f" password={url.password}" if url.password else ""
    config.write_text(
        f"[databases]\n{url.database} = host={url.host} port={url.port or 5432} user={url.username}"
        f"{password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 100\n"
    )
    for readable in (folder, *folder.parents[:2]):
        readable.chmod(0o755)  # it refuses to run as root, so another user reads the file
    user = ["--user", "nobody"] if os.geteuid() == 0 else []
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, *user, str(config)], stdout=log, stderr=log)
    try:
        _await(port, process, log=folder / "pgbouncer.log")
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes], *, log: Path) -> None:
    """Wait until it listens; the test's timeout bounds the wait."""
    while True:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
