"""A worker's signs of life, over HTTP: for the health checks of containers and for people."""

import json
from collections.abc import Collection
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from celery.worker.consumer import Consumer

from imageferry.engine.celery.app import Role
from imageferry.errors import FatalError, Reason

# A client that sends nothing for so long is let go of.
CLIENT_TIMEOUT_S = 5

SERVICES = {Role.CRAWL: "crawler", Role.TRANSFER: "uploader", Role.RECORD: "metadata-service"}


class Health:
    """Answers /health while the process lives, and /readyz while it takes messages from the broker.

    Raises FatalError when the port is taken; port 0 answers nowhere.
    """

    def __init__(self, *, roles: Collection[Role], host: str, port: int) -> None:
        self._service = ",".join(SERVICES[role] for role in roles)
        self._consumer: Consumer | None = None
        self._server: ThreadingHTTPServer | None = None
        if port:
            self._server = self._listen(host, port)

    def begin(self, consumer: Consumer) -> None:
        """Answer from now on; the consumer is what takes messages. It comes again after each loss of the broker."""
        begun, self._consumer = self._consumer is not None, consumer
        if self._server is not None and not begun:
            # Begun after the fork of the children, which no thread survives.
            Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def answer(self, path: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """What a path answers."""
        if path in {"/health", "/healthz", "/api/health"}:
            return HTTPStatus.OK, {"status": "healthy", "service": self._service}
        if path != "/readyz":
            return HTTPStatus.NOT_FOUND, {"status": "not found"}
        connection = self._consumer and self._consumer.connection
        if connection and connection.connected:
            return HTTPStatus.OK, {"status": "ready", "service": self._service}
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "waits for the broker", "service": self._service}

    def _listen(self, host: str, port: int) -> ThreadingHTTPServer:
        health = self

        class Handler(BaseHTTPRequestHandler):
            timeout = CLIENT_TIMEOUT_S

            def do_GET(self) -> None:
                status, body = health.answer(self.path.partition("?")[0])
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """A probe every few seconds is no news."""

        try:
            return ThreadingHTTPServer((host, port), Handler)
        except OSError as exc:
            message = f"IMAGEFERRY_HEALTH_PORT={port} cannot be served on: {exc.strerror}. Set another, or 0 for none."
            raise FatalError(Reason.MISCONFIGURED, message) from exc
