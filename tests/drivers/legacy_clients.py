"""imageferry in the place of an older system: its own processes, under that system's environment and no other."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.processes import command

LOOK_EVERY_S = 0.1
JPEG = b"\xff\xd8\xff\xe0"
# One worker that does everything.
ALL_ROLES = ("crawl,transfer,record",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client sees of an answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class OlderClient:
    """A client that was written for an older system, and knows nothing of imageferry."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str, **given: Any) -> Answer:  # noqa: ANN401 - what the session takes
        return await self._ask("GET", path, **given)

    async def post(self, path: str, body: object) -> Answer:
        return await self._ask("POST", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self._ask("DELETE", path)

    async def images(self, path: str = "/images", *, count: int) -> list[dict[str, Any]]:
        """The bare array, once so many images are in it; the test's own deadline bounds the wait."""
        while len(images := (await self.get(path)).body) < count:  # noqa: ASYNC110 - HTTP has no event
            await asyncio.sleep(LOOK_EVERY_S)
        assert isinstance(images, list)
        return images

    async def _ask(self, method: str, path: str, **given: Any) -> Answer:  # noqa: ANN401 - what the session takes
        async with self._session.request(method, path, **given) as answer:
            body = await answer.json(content_type=None) if answer.status != 204 else None
            return Answer(status=answer.status, body=body, headers=answer.headers)


@asynccontextmanager
async def in_the_place_of(
    flow: Flow, environment: Mapping[str, str], *, roles: tuple[str, ...] = ()
) -> AsyncIterator[OlderClient]:
    """A gateway, and a worker for each of the roles, under an older system's environment."""
    own = {
        "PATH": os.environ["PATH"],
        "IMAGEFERRY_HOME": str(flow.home),
        "IMAGEFERRY_LOG_LEVEL": "info",
        "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
        "GOOGLE_DRIVE_WEB_ENDPOINT": flow.drive.url,
        "PORT": "0",
    }
    async with AsyncExitStack() as running:
        for role in roles:
            words = ("work", "--role", role, "--processes", "1")
            worker = await running.enter_async_context(command(flow, *words, environment={**own, **environment}))
            await worker.says("worker.ready")
        serving = await running.enter_async_context(command(flow, "serve", environment={**own, **environment}))
        url = (await serving.says("imageferry is at")).split("imageferry is at ")[1].split()[0]
        yield OlderClient(await running.enter_async_context(aiohttp.ClientSession(url)))


def album(tree: Tree, *, files: int = 3) -> Node:
    """A folder of small pictures."""
    root = tree.folder("Album")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]) * 100, mime_type="image/jpeg")
    return root
