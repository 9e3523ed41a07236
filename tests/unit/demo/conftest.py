"""A test Drive server, and an HTTP client for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return msgspec.json.decode(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["error"]["errors"][0]["reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """An HTTP client with the server's API key."""

    drive: DriveTestServer
    session: aiohttp.ClientSession

    async def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> ApiResponse:
        async with self.session.get(
            self.drive.url + path, params=query, headers=headers, allow_redirects=False
        ) as response:
            return ApiResponse(status=response.status, headers=dict(response.headers), body=await response.read())

    async def list(self, folder: Node, **query: str) -> ApiResponse:
        q = f"'{folder.id}' in parents"
        return await self.get("/drive/v3/files", headers=None, **{"q": q, **query})

    async def media(self, file: Node, *, headers: dict[str, str] | None = None) -> ApiResponse:
        return await self.get(f"/drive/v3/files/{file.id}", headers=headers, alt="media")


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    async with DriveTestServer(tree, scan_bytes_max=1_000) as drive:
        yield drive


@pytest.fixture
async def client(drive: DriveTestServer) -> AsyncIterator[ApiClient]:
    async with aiohttp.ClientSession(headers={"X-Goog-Api-Key": drive.api_key}) as session:
        yield ApiClient(drive=drive, session=session)
