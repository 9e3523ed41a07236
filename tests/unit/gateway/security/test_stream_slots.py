"""Concurrency limits for streamed bodies."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from fastapi import HTTPException

from imageferry.errors import Reason, TransientError
from imageferry.gateway.security.stream_slots import LIMITS, StreamKind, StreamSlots


@pytest.mark.parametrize("kind", StreamKind)
def test_one_client_cannot_use_all_slots(kind: StreamKind) -> None:
    slots, (total, per_client) = StreamSlots(), LIMITS[kind]
    with ExitStack() as acquired:
        for _ in range(per_client):
            acquired.enter_context(slots.acquire(kind, "greedy"))
        with pytest.raises(HTTPException) as refusal, slots.acquire(kind, "greedy"):
            pass
        assert (refusal.value.status_code, refusal.value.headers) == (429, {"Retry-After": "5"})
        assert f"You already have {per_client} {kind} open" in refusal.value.detail
        for number in range(total - per_client):
            acquired.enter_context(slots.acquire(kind, f"client {number}"))
        with pytest.raises(TransientError) as error, slots.acquire(kind, "late"):
            pass
        assert (error.value.reason, error.value.retry_after_s) == (Reason.OVERLOADED, 5)
    with slots.acquire(kind, "greedy"), slots.acquire(kind, "late"):
        pass
    assert not slots._used[kind]


async def test_a_slot_is_held_until_the_client_has_disconnected() -> None:
    slots = StreamSlots()
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "client": ("192.0.2.7", 1)}

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    async def send_to_disconnected(_: object) -> None:
        raise ConnectionError

    async def receive_disconnect() -> dict[str, str]:
        return {"type": "http.disconnect"}

    response = await slots.respond(StreamKind.EVENTS, scope, chunks())
    assert slots._used[StreamKind.EVENTS] == {"192.0.2.7": 1}
    with pytest.raises(Exception):  # noqa: B017, PT011 - the framework chooses the exception
        await response(scope, receive_disconnect, send_to_disconnected)
    assert not slots._used[StreamKind.EVENTS]


async def test_a_stream_that_fails_at_its_start_holds_no_slot() -> None:
    slots = StreamSlots()

    async def failing() -> AsyncIterator[bytes]:
        for error in [TransientError(Reason.CATALOG_UNAVAILABLE, "unavailable")]:
            raise error
        yield b""

    with pytest.raises(TransientError, match="unavailable"):
        await slots.respond(StreamKind.EXPORT, {"type": "http"}, failing())
    assert not slots._used[StreamKind.EXPORT]
