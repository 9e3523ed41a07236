"""imageferry as a replacement of an older system: processes with that system's environment variables only."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import command

POLL_INTERVAL_S = 0.1
JPEG = b"\xff\xd8\xff\xe0"
# One worker with all roles.
ALL_ROLES = ("crawl,transfer,record",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyResponse:
    """A response as the client sees it."""

    status: int
    body: Any
    headers: Mapping[str, str]


class LegacyClient:
    """A client that was written for an older system and doesn't know imageferry."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str, **options: Any) -> LegacyResponse:  # noqa: ANN401 - options of aiohttp
        return await self._request("GET", path, **options)

    async def post(self, path: str, body: object) -> LegacyResponse:
        return await self._request("POST", path, json=body)

    async def delete(self, path: str) -> LegacyResponse:
        return await self._request("DELETE", path)

    async def images(self, path: str = "/images", *, count: int) -> list[dict[str, Any]]:
        """Return the array of images once it has `count` entries; the test's timeout bounds the wait."""
        while len(images := (await self.get(path)).body) < count:  # noqa: ASYNC110 - HTTP has no event
            await asyncio.sleep(POLL_INTERVAL_S)
        assert isinstance(images, list)
        return images

    async def _request(self, method: str, path: str, **options: Any) -> LegacyResponse:  # noqa: ANN401 - options of aiohttp
        async with self._session.request(method, path, **options) as response:
            body = await response.json(content_type=None) if response.status != 204 else None
            return LegacyResponse(status=response.status, body=body, headers=response.headers)


@asynccontextmanager
async def running_in_place_of(
    flow: ImportFlow, environment: Mapping[str, str], *, roles: tuple[str, ...] = ()
) -> AsyncIterator[LegacyClient]:
    """Run a gateway, and a worker for each entry of `roles`, with an older system's environment variables."""
    base = {
        "PATH": os.environ["PATH"],
        "IMAGEFERRY_HOME": str(flow.home),
        "IMAGEFERRY_LOG_LEVEL": "info",
        "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
        "GOOGLE_DRIVE_WEB_ENDPOINT": flow.drive.url,
        "PORT": "0",
    }
    async with AsyncExitStack() as running:
        for role in roles:
            arguments = ("work", "--role", role, "--processes", "1")
            worker = await running.enter_async_context(command(flow, *arguments, environment={**base, **environment}))
            await worker.wait_for_line("worker.ready")
        serving = await running.enter_async_context(command(flow, "serve", environment={**base, **environment}))
        url = (await serving.wait_for_line("imageferry is running at")).split("imageferry is running at ")[1].split()[0]
        yield LegacyClient(await running.enter_async_context(aiohttp.ClientSession(url)))


def create_album(tree: Tree, *, files: int = 3) -> Node:
    """Create a folder of small images."""
    root = tree.folder("Album")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]) * 100, mime_type="image/jpeg")
    return root
