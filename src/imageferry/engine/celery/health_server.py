"""A worker's signs of life, over HTTP: for the health checks of containers and for people."""

import json
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from celery import Celery
from celery.worker.consumer import Consumer

from imageferry.engine.celery.app import KINDS, Role, waiting
from imageferry.errors import FatalError, Reason, TransientError

# A client that sends nothing for so long is let go of.
CLIENT_TIMEOUT_S = 5

SERVICES = {Role.CRAWL: "crawler", Role.TRANSFER: "uploader", Role.RECORD: "metadata-service"}


Answer = tuple[HTTPStatus, str, bytes]  # and the content's type


class Health:
    """Answers /health while the process lives, /readyz while it takes messages from the broker, and /metrics.

    Raises FatalError when the port is taken; port 0 answers nowhere.
    """

    def __init__(
        self,
        app: Celery,
        *,
        roles: Collection[Role],
        host: str,
        port: int,
        metrics: Callable[[Mapping[str, int]], tuple[str, bytes]],
    ) -> None:
        self._app = app
        self._roles = roles
        self._metrics = metrics  # given the lengths of the queues; their content's type, and they
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

    def answer(self, path: str) -> Answer:
        """What a path answers."""
        if path in {"/health", "/healthz", "/api/health"}:
            return self._tell(HTTPStatus.OK, "healthy")
        if path == "/metrics":
            return HTTPStatus.OK, *self._metrics(self._queued())
        if path != "/readyz":
            return self._tell(HTTPStatus.NOT_FOUND, "not found")
        connection = self._consumer and self._consumer.connection
        if connection and connection.connected:
            return self._tell(HTTPStatus.OK, "ready")
        return self._tell(HTTPStatus.SERVICE_UNAVAILABLE, "waits for the broker")

    def _queued(self) -> dict[str, int]:
        try:
            lengths = waiting(self._app)
        except TransientError:
            return {}  # what the children have done is told all the same
        return {role: lengths[KINDS[role]] for role in self._roles}

    def _tell(self, code: HTTPStatus, status: str) -> Answer:
        return code, "application/json", json.dumps({"status": status, "service": self._service}).encode()

    def _listen(self, host: str, port: int) -> ThreadingHTTPServer:
        health = self

        class Handler(BaseHTTPRequestHandler):
            timeout = CLIENT_TIMEOUT_S

            def do_GET(self) -> None:
                status, content_type, content = health.answer(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", content_type)
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
