"""Concurrency limit for streamed bodies."""

from contextlib import ExitStack

import pytest

from imageferry.errors import Reason, TransientError
from imageferry.gateway.protocol.stream_slots import SlotResponse, StreamSlots


def test_one_client_cannot_use_all_slots() -> None:
    slots = StreamSlots(total=3, per_client=2)
    with ExitStack() as acquired:
        acquired.enter_context(slots.acquire("a"))
        acquired.enter_context(slots.acquire("a"))
        with pytest.raises(TransientError) as error, slots.acquire("a"):
            pass
        assert error.value.reason is Reason.OVERLOADED
        acquired.enter_context(slots.acquire("b"))
        with pytest.raises(TransientError), slots.acquire("c"):
            pass
    with slots.acquire("a"), slots.acquire("c"):
        pass
    assert not slots._used


async def test_a_slot_is_released_when_the_client_has_disconnected() -> None:
    slots = StreamSlots(total=1)

    async def send_to_disconnected(_: object) -> None:
        raise ConnectionError

    async def receive_disconnect() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with ExitStack() as slot:
        slot.enter_context(slots.acquire("a"))
        response = SlotResponse(iter([b"x"]), slot=slot.pop_all())
    with pytest.raises(TransientError), slots.acquire("b"):
        pass
    with pytest.raises(Exception):  # noqa: B017, PT011 - the framework chooses the exception
        await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive_disconnect, send_to_disconnected)
    with slots.acquire("b"):
        pass
