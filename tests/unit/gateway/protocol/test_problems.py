"""Errors as problems."""

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
from imageferry.gateway.dependencies import prompt
from imageferry.gateway.protocol import problems

# Each with its status, and when to ask again.
ERRORS: list[tuple[ImageferryError, int, str | None]] = [
    (UsageError(Reason.NOT_A_FOLDER_URL, "Not a folder."), 400, None),
    (NotFoundError(Reason.FOLDER_NOT_FOUND, "Not there."), 404, None),
    (PermanentError(Reason.REJECTED, "Never."), 409, None),
    (TransientError(Reason.CATALOG_UNAVAILABLE, "Later.", retry_after_s=1.2), 503, "2"),
    (TransientError(Reason.CATALOG_UNAVAILABLE, "Some time."), 503, "5"),
    (BlockedError(Reason.STORE_FULL, "Full."), 503, "5"),
]


class FailingServer(uvicorn.Server):
    """A server with one route for each way to fail."""

    def __init__(self, *, root_path: str) -> None:
        app = FastAPI(middleware=[Middleware(problems.Net)])
        problems.install(app)

        @app.get("/errors/{number}")
        @app.get("/import/{number}")
        async def error(number: int) -> None:
            raise ERRORS[number][0]

        @app.get("/bug")
        async def bug() -> None:
            raise RuntimeError("password=secret")

        @app.get("/half")
        async def half() -> StreamingResponse:
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
async def test_an_error_of_ours_becomes_a_problem_with_its_reason(client: aiohttp.ClientSession, number: int) -> None:
    error, status, again = ERRORS[number]
    async with client.get(f"/errors/{number}") as answer:
        problem = await answer.json()
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert (problem["detail"], problem["error"], problem["code"]) == (error.message, error.message, error.reason)
        assert answer.headers.get("Retry-After") == again


async def test_the_older_systems_clients_are_told_of_a_failure_as_they_know_it(client: aiohttp.ClientSession) -> None:
    for number, (_, status, _) in enumerate(ERRORS):
        async with client.get(f"/import/{number}") as answer:
            assert answer.status == min(status, 500)


async def test_a_bug_is_a_problem_that_tells_nothing_of_itself(client: aiohttp.ClientSession) -> None:
    async with client.get("/bug") as answer:
        assert (answer.status, answer.content_type) == (500, "application/problem+json")
        assert "secret" not in await answer.text()


async def test_a_body_that_breaks_off_cannot_be_taken_for_a_whole_one(client: aiohttp.ClientSession) -> None:
    async with client.get("/half") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_catalog_that_does_not_answer_in_time_is_told_to_be_away() -> None:
    with pytest.raises(TransientError) as away:
        async with prompt(limit_s=0.01):
            await asyncio.sleep(5)
    assert (away.value.reason, away.value.retry_after_s) == (Reason.CATALOG_UNAVAILABLE, 5)
