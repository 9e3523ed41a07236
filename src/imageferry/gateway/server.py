"""Serving the gateway on a port, until a signal ends it."""

import asyncio
import errno
import inspect
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI
from msgspec import Struct

from imageferry.errors import FatalError, Reason
from imageferry.gateway.app import create_app
from imageferry.gateway.dependencies import Gateway
from imageferry.gateway.event_stream.broadcaster import Feed
from imageferry.gateway.protocol.connection_limits import Connection
from imageferry.gateway.security.host_origin_guard import is_loopback
from imageferry.gateway.security.sessions import Sessions
from imageferry.log import log
from imageferry.settings import TOKEN_LENGTH_MIN, Settings

# How long answers that are under way have to come to an end.
GRACE_S = 5
BACKLOG_MAX = 1024
KEEP_ALIVE_S = 15


class Ready(Struct, frozen=True, kw_only=True):
    """Where a gateway answers."""

    url: str
    sign_in_url: str | None = None  # good once, for ten minutes; None: no token is asked for


OnReady = Callable[[Ready], Awaitable[None] | None]


async def serve(settings: Settings, *, on_ready: OnReady | None = None, demo_folder_url: str | None = None) -> None:
    """Serve the gateway until SIGINT or SIGTERM; then its engine gives back what is under way.

    `on_ready` is told where the gateway answers, once it does. Raises FatalError or BlockedError, in one
    sentence, when the process cannot work as it is configured, a port that is taken among the reasons.
    """
    app = create_app(settings, demo_folder_url=demo_folder_url)
    _allow_many_files()
    with closing(_listener(settings)) as listener:
        async with app.router.lifespan_context(app):
            server = _Server(_config(app, settings), ready=_ready(app, _url(listener)), on_ready=on_ready)
            with _ended_by_signals(server, gateway=app.state.gateway, feed=app.state.feed):
                await server.serve(sockets=[listener])
            log.info("gateway.stopped")


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, *, ready: Ready, on_ready: OnReady | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        log.info("gateway.ready", url=self._ready.url)
        told = self._on_ready and self._on_ready(self._ready)
        if inspect.isawaitable(told):
            await told

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them: uvicorn would raise a signal again before the engine has given its work back."""
        yield


def _ready(app: FastAPI, url: str) -> Ready:
    sessions: Sessions | None = app.state.sessions
    return Ready(url=url, sign_in_url=None if sessions is None else f"{url}/login?code={sessions.new_code()}")


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",  # entered by `serve`, so that its errors arrive there
        log_config=None,
        log_level="critical",  # problems.Net logs what goes wrong, as events
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        root_path=settings.root_path,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


@contextmanager
def _ended_by_signals(server: uvicorn.Server, *, gateway: Gateway, feed: Feed) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def end(*_: object) -> None:
        # Answers and files under way come to their ends at the same time.
        server.should_exit = True
        gateway.engine.stop()
        feed.stop()
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


def _allow_many_files() -> None:
    """A file for each client: as many as this user may have, which is more than what a program begins with."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - Windows has none

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listener(settings: Settings) -> socket.socket:
    if not (is_loopback(settings.host) or settings.api_token or settings.insecure):
        message = (
            f"HOST={settings.host} would open the gateway to the network, to anybody: set IMAGEFERRY_API_TOKEN to a "
            f"secret of {TOKEN_LENGTH_MIN} characters or more, or say --insecure when a proxy in front knows its users."
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


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
