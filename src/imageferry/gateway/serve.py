"""Serving the gateway on a port, until a signal ends it."""

import asyncio
import errno
import inspect
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

import structlog
import uvicorn

from imageferry.errors import FatalError, Reason
from imageferry.gateway.app import create_app
from imageferry.gateway.gateway import Gateway
from imageferry.settings import Settings

# How long answers that are under way have to come to an end.
GRACE_S = 5
BACKLOG_MAX = 1024
KEEP_ALIVE_S = 15

OnReady = Callable[[str], Awaitable[None] | None]

log = structlog.get_logger()


async def serve(settings: Settings, *, on_ready: OnReady | None = None) -> None:
    """Serve the gateway until SIGINT or SIGTERM; then its engine gives back what is under way.

    `on_ready` is told the gateway's URL once requests are answered. Raises FatalError or BlockedError, in one
    sentence, when the process cannot work as it is configured, a port that is taken among the reasons.
    """
    app = create_app(settings)
    with closing(_listener(settings)) as listener:
        async with app.router.lifespan_context(app):
            server = _Server(_config(app), url=_url(listener), on_ready=on_ready)
            with _ended_by_signals(server, app.state.gateway):
                await server.serve(sockets=[listener])
            log.info("gateway.stopped")


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, *, url: str, on_ready: OnReady | None) -> None:
        super().__init__(config)
        self._url = url
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        log.info("gateway.ready", url=self._url)
        told = self._on_ready and self._on_ready(self._url)
        if inspect.isawaitable(told):
            await told

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them: uvicorn would raise a signal again before the engine has given its work back."""
        yield


def _config(app: Callable[..., object]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",  # entered by `serve`, so that its errors arrive there
        log_config=None,
        log_level="critical",  # problems.Net logs what goes wrong, as events
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


@contextmanager
def _ended_by_signals(server: uvicorn.Server, gateway: Gateway) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def end(*_: object) -> None:
        # Answers and files under way come to their ends at the same time.
        server.should_exit = True
        gateway.engine.stop()
        release()

    def release() -> None:
        # A second signal ends the process as it always does.
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, end)
    # An engine that fails takes the gateway with it: its error is raised where the lifespan ends.
    gateway.working.add_done_callback(end)
    try:
        yield
    finally:
        gateway.working.remove_done_callback(end)
        release()


def _listener(settings: Settings) -> socket.socket:
    if not _is_loopback(settings.host):
        message = (
            f"HOST={settings.host} would open the gateway to the network, where it is not protected yet: "
            "set HOST=127.0.0.1, and put a proxy that knows its users in front if others are to reach it."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG_MAX)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            message = f"Port {settings.port} is taken by another program: set PORT to another, or to 0 for any."
        else:
            message = f"HOST={settings.host} and PORT={settings.port} cannot be served on: {exc.strerror}."
        raise FatalError(Reason.MISCONFIGURED, message) from exc


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
