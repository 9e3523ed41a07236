"""A worker's health and metrics over HTTP."""

import json
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from celery import Celery
from celery.worker.consumer import Consumer

from imageferry.engine.celery.app import MESSAGE_TYPES, Role
from imageferry.engine.celery.queues import inspect_queues
from imageferry.engine.celery.watchdog import Watchdog
from imageferry.errors import FatalError, Reason, TransientError

# A client that sends nothing for this long is disconnected.
CLIENT_TIMEOUT_S = 5

SERVICES = {Role.CRAWL: "crawler", Role.TRANSFER: "uploader", Role.RECORD: "metadata-service"}

HttpResponse = tuple[HTTPStatus, str, bytes]  # status, content type, body


class HealthServer:
    """Answers /health while the process lives, /readyz while it takes messages from the broker, and /metrics.

    /readyz says `degraded` while a process of the worker does not respond.

    `metrics` takes the lengths of the queues by role and returns a content type and a body. With port 0 there is no
    server. Raises FatalError when the port is in use.
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
        self._metrics = metrics
        self._service = ",".join(SERVICES[role] for role in roles)
        self._consumer: Consumer | None = None
        self._watchdog: Watchdog | None = None
        self._server: ThreadingHTTPServer | None = None
        if port:
            self._server = self._listen(host, port)

    def serve(self, consumer: Consumer, *, watchdog: Watchdog) -> None:
        """Start to answer. Called with a new consumer, which takes messages, after each reconnection to the broker."""
        is_serving, self._consumer, self._watchdog = self._consumer is not None, consumer, watchdog
        if self._server is not None and not is_serving:
            # Started after the fork of the worker processes, because threads do not survive a fork.
            Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def respond(self, path: str) -> HttpResponse:
        """Return the response to a GET request of a path."""
        if path in {"/health", "/healthz", "/api/health"}:
            return self._status(HTTPStatus.OK, "healthy")
        if path == "/metrics":
            return HTTPStatus.OK, *self._metrics(self._queue_lengths())
        if path != "/readyz":
            return self._status(HTTPStatus.NOT_FOUND, "not found")
        connection = self._consumer and self._consumer.connection
        if connection and connection.connected:
            is_responding = self._watchdog is None or self._watchdog.is_responding
            return self._status(HTTPStatus.OK, "ready" if is_responding else "degraded")
        return self._status(HTTPStatus.SERVICE_UNAVAILABLE, "waiting for the broker")

    def _queue_lengths(self) -> dict[str, int]:
        try:
            queues = inspect_queues(self._app)
        except TransientError:
            return {}  # the metrics of the worker processes are still served
        return {role: queues[MESSAGE_TYPES[role]].messages for role in self._roles}

    def _status(self, code: HTTPStatus, status: str) -> HttpResponse:
        return code, "application/json", json.dumps({"status": status, "service": self._service}).encode()

    def _listen(self, host: str, port: int) -> ThreadingHTTPServer:
        health = self

        class Handler(BaseHTTPRequestHandler):
            timeout = CLIENT_TIMEOUT_S

            def do_GET(self) -> None:
                status, content_type, content = health.respond(self.path.partition("?")[0])
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Log nothing: probes come every few seconds."""

        try:
            return ThreadingHTTPServer((host, port), Handler)
        except OSError as exc:
            message = (
                f"Port {port} of IMAGEFERRY_HEALTH_PORT can't be used: {exc.strerror}. Set another, or 0 for none."
            )
            raise FatalError(Reason.MISCONFIGURED, message) from exc
