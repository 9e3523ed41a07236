"""A stand-in, and a way to ask it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the test asked for
        return msgspec.json.decode(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["error"]["errors"][0]["reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """An HTTP client with the stand-in's API key."""

    drive: StandIn
    session: aiohttp.ClientSession

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> Answer:
        async with self.session.get(
            self.drive.url + path, params=query, headers=headers, allow_redirects=False
        ) as answer:
            return Answer(status=answer.status, headers=dict(answer.headers), body=await answer.read())

    async def list(self, folder: Node, **query: str) -> Answer:
        q = f"'{folder.id}' in parents"
        return await self.get("/drive/v3/files", headers=None, **{"q": q, **query})

    async def media(self, file: Node, *, headers: dict[str, str] | None = None) -> Answer:
        return await self.get(f"/drive/v3/files/{file.id}", headers=headers, alt="media")


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    async with StandIn(tree, scan_bytes_max=1_000) as drive:
        yield drive


@pytest.fixture
async def asker(drive: StandIn) -> AsyncIterator[Asker]:
    async with aiohttp.ClientSession(headers={"X-Goog-Api-Key": drive.api_key}) as session:
        yield Asker(drive=drive, session=session)
