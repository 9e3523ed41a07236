"""The HTTP server: serves the gateway on a port until a signal stops it."""

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
from imageferry.gateway.dependencies import Gateway, gateway_of
from imageferry.gateway.protocol.connection_limits import LimitedHttpProtocol
from imageferry.gateway.security.host_origin_guard import is_loopback
from imageferry.gateway.security.sessions import Sessions
from imageferry.log import log
from imageferry.settings import Settings
from imageferry.settings.value_types import TOKEN_LENGTH_MIN

# How long open requests may continue after a stop signal.
GRACE_PERIOD_S = 5
BACKLOG_MAX = 1024
KEEP_ALIVE_S = 15


class GatewayAddress(Struct, frozen=True, kw_only=True):
    """Where a gateway can be reached."""

    url: str
    sign_in_url: str | None = None  # valid once, for ten minutes; None: no token is required


OnReady = Callable[[GatewayAddress], Awaitable[None] | None]


async def serve(settings: Settings, *, on_ready: OnReady | None = None, demo_folder_url: str | None = None) -> None:
    """Serve the gateway until SIGINT or SIGTERM; then its engine requeues the work in progress.

    `on_ready` is called with the gateway's address when it accepts requests. Raises FatalError or BlockedError, with
    a one-sentence message, when the configuration doesn't work, for example when the port is in use.
    """
    app = create_app(settings, demo_folder_url=demo_folder_url)
    _raise_open_file_limit()
    with closing(_listen(settings)) as listener:
        async with app.router.lifespan_context(app):
            gateway = gateway_of(app)
            address = _address(_url(listener), gateway.sessions)
            server = _Server(_uvicorn_config(app, settings), address=address, on_ready=on_ready)
            with _stop_on_signals(server, gateway=gateway):
                await server.serve(sockets=[listener])
            log.info("gateway.stopped")


class _Server(uvicorn.Server):
    """A server that reports when it is ready, and leaves signal handling to its caller."""

    def __init__(self, config: uvicorn.Config, *, address: GatewayAddress, on_ready: OnReady | None) -> None:
        super().__init__(config)
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests, then call `on_ready`."""
        await super().startup(sockets)
        log.info("gateway.ready", url=self._address.url)
        result = self._on_ready and self._on_ready(self._address)
        if inspect.isawaitable(result):
            await result

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: uvicorn would raise a signal again before the engine has requeued its work."""
        yield


def _address(url: str, sessions: Sessions | None) -> GatewayAddress:
    sign_in_url = None if sessions is None else f"{url}/login?code={sessions.create_login_code()}"
    return GatewayAddress(url=url, sign_in_url=sign_in_url)


def _uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LimitedHttpProtocol,
        ws="none",
        lifespan="off",  # `serve` enters the lifespan, so that its errors are raised there
        log_config=None,
        log_level="critical",  # CatchAllMiddleware logs errors as events
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        root_path=settings.root_path,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_PERIOD_S,
    )


@contextmanager
def _stop_on_signals(server: uvicorn.Server, *, gateway: Gateway) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop(*_: object) -> None:
        # Open requests and file transfers finish at the same time.
        server.should_exit = True
        gateway.engine.stop()
        gateway.broadcaster.disconnect_all()
        remove_handlers()

    def remove_handlers() -> None:
        # A second signal has its default effect.
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, stop)
    # When the engine fails, the gateway stops too; the engine's error is raised at the end of the lifespan.
    gateway.engine_task.add_done_callback(stop)
    try:
        yield
    finally:
        gateway.engine_task.remove_done_callback(stop)
        remove_handlers()


def _raise_open_file_limit() -> None:
    """Raise the limit on open files to this user's maximum: each client needs one."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - does not exist on Windows

        _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def _listen(settings: Settings) -> socket.socket:
    if not (is_loopback(settings.host) or settings.api_token or settings.insecure):
        message = (
            f"HOST={settings.host} would give everyone on the network access. Set IMAGEFERRY_API_TOKEN to a secret of "
            f"at least {TOKEN_LENGTH_MIN} characters, or use --insecure if a proxy in front authenticates users."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG_MAX)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            message = f"Port {settings.port} is already in use. Set PORT to another port, or to 0 for any free one."
        else:
            message = f"Can't listen on HOST={settings.host} and PORT={settings.port}: {exc.strerror}."
        raise FatalError(Reason.MISCONFIGURED, message) from exc


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
