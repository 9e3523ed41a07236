"""The Drive stand-in as a server on loopback."""

import ssl
from types import TracebackType
from typing import Self

from aiohttp import web

from imageferry.demo import ids
from imageferry.demo.control import Control
from imageferry.demo.drive.access import Credentials
from imageferry.demo.drive.api import DriveApi
from imageferry.demo.drive.tokens import TokenEndpoint
from imageferry.demo.entries import Node
from imageferry.demo.faults import Faults
from imageferry.demo.middleware import FrontDesk
from imageferry.demo.operations import Requests
from imageferry.demo.quota import Quota
from imageferry.demo.tree import Tree
from imageferry.demo.web.pages import PublicPages

_HOST = "127.0.0.1"
_SCAN_BYTES_MAX = 100_000_000  # about what Google scans


class StandIn:
    """A Google Drive on loopback: `async with StandIn(tree) as drive: ... drive.url`.

    `quota_scale` enforces so many times the published quota; None: no quota.
    `token_lifetime_s` is how long access tokens are good for. Public downloads of more than
    `scan_bytes_max` must be confirmed. `control` adds /_standin/, through which
    other processes look at the counters and order faults.
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
        self.api_key = ids.api_key("stand-in")
        self.port = port  # the real one, once the server runs
        self._scan_bytes_max = scan_bytes_max
        self._tls = tls
        self._controlled = control
        self._credentials = Credentials(api_key=self.api_key, token_lifetime_s=token_lifetime_s)
        self._desk = FrontDesk(
            tree=tree,
            credentials=self._credentials,
            quota=Quota(scale=quota_scale, burst_s=quota_burst_s),
            latency_s=latency_s,
        )
        self._runner: web.AppRunner | None = None

    @property
    def requests(self) -> Requests:
        """What was asked and sent so far."""
        return self._desk.requests

    @property
    def faults(self) -> Faults:
        """What goes wrong; add and clear at any time."""
        return self._desk.faults

    @property
    def url(self) -> str:
        """For GOOGLE_DRIVE_ENDPOINT and GOOGLE_DRIVE_WEB_ENDPOINT; known once the server runs."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{_HOST}:{self.port}"

    @property
    def token_url(self) -> str:
        """For `token_uri` in a service account's JSON file."""
        return f"{self.url}/token"

    def folder_url(self, folder: Node) -> str:
        """What somebody would paste."""
        key = f"?resourcekey={folder.resource_key}" if folder.resource_key else ""
        return f"https://drive.google.com/drive/folders/{folder.id}{key}"

    def access_token(self, account: str = "somebody@example.com") -> str:
        """A token that sees what is shared with accounts."""
        return self._credentials.issue(account)

    def app(self) -> web.Application:
        """The routes, to serve elsewhere."""
        app = web.Application(middlewares=[self._desk.middleware])
        pages = PublicPages(self._desk, scan_bytes_max=self._scan_bytes_max)
        for room in (DriveApi(self._desk), TokenEndpoint(self._desk), pages):
            app.add_routes(room.routes())
        if self._controlled:
            app.add_routes(Control(self._desk).routes())
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
