"""Broker servers for one test, on their own ports, which it can stop and start."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
from redis import Redis

from tests.servers.ports import free_port

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class PrivateBroker:
    """A broker server, with its data in a folder."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        port = free_port()
        if kind == "redis":
            self.url = f"redis://127.0.0.1:{port}/0"
            # Without persistence: a restart loses all data.
            arguments = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
            self._command, self._environment = arguments, dict(os.environ)
        else:
            self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
            self._command, self._environment = [str(RABBITMQ)], _rabbitmq_environment(folder, port=port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; the test's timeout bounds the wait."""
        log_path = self._folder / "log.txt"
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        while not self._answers():
            assert self._process.poll() is None, log_path.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server with SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        """Delete all data of a Redis server."""
        with Redis.from_url(self.url) as server:
            server.flushall()

    def _answers(self) -> bool:
        greeting = b"AMQP\x00\x00\x09\x01" if self.url.startswith("amqp") else b"PING\r\n"
        port = int(self.url.rstrip("/0").rpartition(":")[2].partition("/")[0])
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(greeting)
                return bool(connection.recv(1))
        except OSError:
            return False


def _rabbitmq_environment(folder: Path, *, port: int) -> dict[str, str]:
    """Write RabbitMQ's configuration below `folder`; return the environment variables that select it."""
    for part in ("data", "log"):
        (folder / part).mkdir()
    (folder / "plugins").write_text("[].")
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),  # where RabbitMQ keeps its cookie
        "RABBITMQ_NODENAME": f"test-{token_hex(4)}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


@contextmanager
def private_broker(kind: str, folder: Path) -> Iterator[PrivateBroker]:
    """Run a broker server until the context ends; skip the test when it is not installed."""
    installed = RABBITMQ.exists() if kind == "rabbitmq" else shutil.which("redis-server") is not None
    if not installed:
        reason = f"No {kind} server is installed."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = PrivateBroker(kind, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
