"""A gateway on a loopback port, and a client for it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from imageferry.gateway.server import GatewayAddress, serve
from imageferry.settings import Settings
from tests.drivers.import_flow import ImportFlow

POLL_INTERVAL_S = 0.05


class GatewayClient:
    """A client of a running gateway."""

    def __init__(self, session: aiohttp.ClientSession, *, url: str, sign_in_url: str | None = None) -> None:
        self.session = session  # sends the access token, if one is set
        self.url = url
        self.sign_in_url = sign_in_url

    @property
    def address(self) -> tuple[str, int]:
        """The gateway's host and port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of a GET request that must succeed."""
        async with self.session.get(path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def start_import(self, folder_url: str, **options: object) -> str:
        """Start an import and return its job id."""
        body = {"folder_url": folder_url, **options}
        async with self.session.post("/api/import/google-drive", json=body) as response:
            assert response.status == 202, await response.text()
            return str((await response.json())["job_id"])

    async def wait_until_finished(self, job_id: str) -> dict[str, Any]:
        """Return a job's status once it is terminal; the test's timeout bounds the wait."""
        while True:
            status: dict[str, Any] = await self.get(f"/api/import/status/{job_id}")
            if status["status"] in {"completed", "failed", "cancelled"}:
                return status
            await asyncio.sleep(POLL_INTERVAL_S)

    async def import_folder(self, folder_url: str, **options: object) -> dict[str, Any]:
        """Import a folder and return the final status."""
        return await self.wait_until_finished(await self.start_import(folder_url, **options))


@asynccontextmanager
async def running_gateway(settings: Settings, *, demo_folder_url: str | None = None) -> AsyncIterator[GatewayClient]:
    """Run a gateway in this process until the context ends; it is stopped by SIGTERM, as in production."""
    ready: asyncio.Future[GatewayAddress] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings, on_ready=ready.set_result, demo_folder_url=demo_folder_url))
    serving.add_done_callback(lambda _: ready.cancel())
    await asyncio.wait([ready])
    if serving.done():
        serving.result()  # raises the error that prevented the start
    try:
        url, token = ready.result().url, settings.api_token
        headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        async with aiohttp.ClientSession(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as session:
            yield GatewayClient(session, url=url, sign_in_url=ready.result().sign_in_url)
    finally:
        if not serving.done():
            signal.raise_signal(signal.SIGTERM)
        await serving


def on_free_port(flow: ImportFlow) -> Settings:
    """Return the flow's settings with a free port."""
    flow.setting_overrides["port"] = 0
    return flow.settings
