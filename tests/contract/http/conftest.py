"""The clients that the contract holds for."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from imageferry.http.base import HttpClient, HttpResponse, Request
from imageferry.http.client import Client
from imageferry.http.poller import EpollPoller, Poller, SelectorPoller

BODY_BYTES_MAX = 64 << 20


class OpenClient(Protocol):
    """Opens a client, and closes it at the end."""

    def __call__(
        self, *, connections: int = 4, keep_cookies: bool = False
    ) -> AbstractAsyncContextManager[HttpClient]: ...


@pytest.fixture(params=[EpollPoller, SelectorPoller])
def opened(request: pytest.FixtureRequest) -> OpenClient:
    """Our client with each poller; only Linux has epoll."""
    if request.param is EpollPoller and sys.platform != "linux":
        pytest.skip("epoll needs Linux")
    poller_factory: Callable[[], Poller] = request.param

    @asynccontextmanager
    async def opened(*, connections: int = 4, keep_cookies: bool = False) -> AsyncIterator[HttpClient]:
        client = Client(
            connections=connections, connect_timeout_s=5, keep_cookies=keep_cookies, poller_factory=poller_factory
        )
        try:
            yield client
        finally:
            await client.close()

    return opened


async def fetch(client: HttpClient, url: str, *, method: str = "GET") -> tuple[HttpResponse, bytes]:
    """Return a response and its whole body."""
    response = await client.send(Request(url=url, method=method, timeout_s=20, prefetch_bytes=1 << 20))
    return response, bytes(await response.read(BODY_BYTES_MAX))
