"""Error responses."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.responses import StreamingResponse

from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    PermanentError,
    Reason,
    TransientError,
    UsageError,
)
from imageferry.gateway.dependencies import with_deadline
from imageferry.gateway.protocol import problems

# Errors with their status and Retry-After.
ERRORS: list[tuple[ImageferryError, int, str | None]] = [
    (UsageError(Reason.NOT_A_FOLDER_URL, "Not a folder."), 400, None),
    (NotFoundError(Reason.FOLDER_NOT_FOUND, "Not there."), 404, None),
    (PermanentError(Reason.REJECTED, "Never."), 409, None),
    (TransientError(Reason.CATALOG_UNAVAILABLE, "Later.", retry_after_s=1.2), 503, "2"),
    (TransientError(Reason.CATALOG_UNAVAILABLE, "Some time."), 503, "5"),
    (BlockedError(Reason.STORE_FULL, "Full."), 503, "5"),
]


class FailingServer(uvicorn.Server):
    """A server with a route for each kind of failure."""

    def __init__(self, *, root_path: str) -> None:
        app = FastAPI(middleware=[Middleware(problems.CatchAllMiddleware)])
        problems.install_error_handlers(app)

        @app.get("/errors/{number}")
        @app.get("/import/{number}")
        async def error(number: int) -> None:
            raise ERRORS[number][0]

        @app.get("/bug")
        async def bug() -> None:
            raise RuntimeError("password=secret")

        @app.get("/half")
        async def interrupted() -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                yield b"half"
                raise RuntimeError("password=secret")

            return StreamingResponse(body())

        super().__init__(
            uvicorn.Config(app, port=0, root_path=root_path, log_config=None, log_level="critical", lifespan="off")
        )


@pytest.fixture(params=["", "/photos"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[aiohttp.ClientSession]:
    server = FailingServer(root_path=request.param)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    server.should_exit = True
    await serving


@pytest.mark.parametrize("number", range(len(ERRORS)))
async def test_an_imageferry_error_becomes_a_problem_with_its_reason(
    client: aiohttp.ClientSession, number: int
) -> None:
    error, status, retry_after = ERRORS[number]
    async with client.get(f"/errors/{number}") as response:
        problem = await response.json()
        assert (response.status, response.content_type) == (status, "application/problem+json")
        assert (problem["detail"], problem["error"], problem["code"]) == (error.message, error.message, error.reason)
        assert response.headers.get("Retry-After") == retry_after


async def test_legacy_paths_answer_every_failure_with_500(client: aiohttp.ClientSession) -> None:
    for number, (_, status, _) in enumerate(ERRORS):
        async with client.get(f"/import/{number}") as response:
            assert response.status == min(status, 500)


async def test_an_unexpected_exception_becomes_a_problem_that_reveals_nothing(client: aiohttp.ClientSession) -> None:
    async with client.get("/bug") as response:
        assert (response.status, response.content_type) == (500, "application/problem+json")
        assert "secret" not in await response.text()


async def test_an_interrupted_body_cannot_be_mistaken_for_a_complete_one(client: aiohttp.ClientSession) -> None:
    async with client.get("/half") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_catalog_that_misses_the_deadline_is_reported_as_unavailable() -> None:
    with pytest.raises(TransientError) as error:
        async with with_deadline(timeout_s=0.01):
            await asyncio.sleep(5)
    assert (error.value.reason, error.value.retry_after_s) == (Reason.CATALOG_UNAVAILABLE, 5)
