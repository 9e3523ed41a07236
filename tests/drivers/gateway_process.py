"""A gateway on a real port of loopback, and what asks it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from imageferry.gateway.server import Ready, serve
from imageferry.settings import Settings
from tests.drivers.import_flow import Flow

LOOK_EVERY_S = 0.05


class Served:
    """A client of a gateway that runs."""

    def __init__(self, session: aiohttp.ClientSession, *, url: str, sign_in_url: str | None = None) -> None:
        self.session = session  # with the token, where one is set
        self.url = url
        self.sign_in_url = sign_in_url

    @property
    def address(self) -> tuple[str, int]:
        """Its host and port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What a path that must succeed answers."""
        async with self.session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def begin(self, folder_url: str, **options: object) -> str:
        """The id of a new import."""
        body = {"folder_url": folder_url, **options}
        async with self.session.post("/api/import/google-drive", json=body) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["job_id"])

    async def ending(self, job_id: str) -> dict[str, Any]:
        """A job's status once it is terminal; the test's own deadline bounds the wait."""
        while True:
            status: dict[str, Any] = await self.get(f"/api/import/status/{job_id}")
            if status["status"] in {"completed", "failed", "cancelled"}:
                return status
            await asyncio.sleep(LOOK_EVERY_S)

    async def run(self, folder_url: str, **options: object) -> dict[str, Any]:
        """An import to its end."""
        return await self.ending(await self.begin(folder_url, **options))


@asynccontextmanager
async def served(settings: Settings, *, demo_folder_url: str | None = None) -> AsyncIterator[Served]:
    """A gateway that runs in this process until the context ends, by the signal that ends it for everybody."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings, on_ready=ready.set_result, demo_folder_url=demo_folder_url))
    serving.add_done_callback(lambda _: ready.cancel())
    await asyncio.wait([ready])
    if serving.done():
        serving.result()  # raises what kept it from starting
    try:
        url, token = ready.result().url, settings.api_token
        headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        async with aiohttp.ClientSession(url, headers=headers, timeout=aiohttp.ClientTimeout(30)) as session:
            yield Served(session, url=url, sign_in_url=ready.result().sign_in_url)
    finally:
        if not serving.done():
            signal.raise_signal(signal.SIGTERM)
        await serving


def anywhere(flow: Flow) -> Settings:
    """The flow's settings, on a port that is free."""
    flow.given["port"] = 0
    return flow.settings
