"""The test Drive server on loopback."""

import ssl
from types import TracebackType
from typing import Self

from aiohttp import web

from imageferry.demo import ids
from imageferry.demo.control import ControlEndpoints
from imageferry.demo.drive.access import Credentials
from imageferry.demo.drive.api import DriveApi
from imageferry.demo.drive.tokens import TokenEndpoint
from imageferry.demo.entries import Node
from imageferry.demo.faults import Faults
from imageferry.demo.middleware import DriveMiddleware
from imageferry.demo.operations import RequestLog
from imageferry.demo.quota import DriveQuota
from imageferry.demo.tree import Tree
from imageferry.demo.web.pages import PublicPages

_HOST = "127.0.0.1"
_SCAN_BYTES_MAX = 100_000_000  # approximately Google's limit for virus scans


class DriveTestServer:
    """A Google Drive on loopback: `async with DriveTestServer(tree) as drive: ... drive.url`.

    `quota_scale` enforces this multiple of the published quota; None: no quota. Access tokens are valid for
    `token_lifetime_s`. Public downloads larger than `scan_bytes_max` must be confirmed. `control` adds the endpoints
    below /_control/, through which other processes read the counters and inject faults.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        port: int = 0,
        latency_s: float = 0.0,
        quota_scale: float | None = None,
        quota_burst_s: float = 5.0,
        token_lifetime_s: float = 3600.0,
        scan_bytes_max: int = _SCAN_BYTES_MAX,
        tls: ssl.SSLContext | None = None,
        control: bool = False,
    ) -> None:
        self.tree = tree
        self.api_key = ids.api_key("test-server")
        self.port = port  # the actual port while the server runs
        self._scan_bytes_max = scan_bytes_max
        self._tls = tls
        self._has_control = control
        self._credentials = Credentials(api_key=self.api_key, token_lifetime_s=token_lifetime_s)
        self._middleware = DriveMiddleware(
            tree=tree,
            credentials=self._credentials,
            quota=DriveQuota(scale=quota_scale, burst_s=quota_burst_s),
            latency_s=latency_s,
        )
        self._runner: web.AppRunner | None = None

    @property
    def requests(self) -> RequestLog:
        """The log of all requests."""
        return self._middleware.requests

    @property
    def faults(self) -> Faults:
        """The active faults. Add and clear them at any time."""
        return self._middleware.faults

    @property
    def url(self) -> str:
        """The value for GOOGLE_DRIVE_ENDPOINT and GOOGLE_DRIVE_WEB_ENDPOINT, while the server runs."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{_HOST}:{self.port}"

    @property
    def token_url(self) -> str:
        """The value for `token_uri` in a service account's JSON file."""
        return f"{self.url}/token"

    def folder_url(self, folder: Node) -> str:
        """Return the link that a person would paste."""
        key = f"?resourcekey={folder.resource_key}" if folder.resource_key else ""
        return f"https://drive.google.com/drive/folders/{folder.id}{key}"

    def access_token(self, account: str = "somebody@example.com") -> str:
        """Return an access token of an account."""
        return self._credentials.issue(account)

    def app(self) -> web.Application:
        """Return the web application, to serve it elsewhere."""
        app = web.Application(middlewares=[self._middleware.middleware])
        pages = PublicPages(self._middleware, scan_bytes_max=self._scan_bytes_max)
        for endpoints in (DriveApi(self._middleware), TokenEndpoint(self._middleware), pages):
            app.add_routes(endpoints.routes())
        if self._has_control:
            app.add_routes(ControlEndpoints(self._middleware).routes())
        return app

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self.port, ssl_context=self._tls, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
