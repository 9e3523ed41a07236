"""How many bodies are sent at once."""

from contextlib import ExitStack

import pytest

from imageferry.errors import Reason, TransientError
from imageferry.gateway.protocol.stream_slots import SeatedResponse, Seats


def test_one_client_cannot_take_all_seats() -> None:
    seats = Seats(total=3, each=2)
    with ExitStack() as taken:
        taken.enter_context(seats.one("a"))
        taken.enter_context(seats.one("a"))
        with pytest.raises(TransientError) as refused, seats.one("a"):
            pass
        assert refused.value.reason is Reason.BUSY
        taken.enter_context(seats.one("b"))
        with pytest.raises(TransientError), seats.one("c"):
            pass
    with seats.one("a"), seats.one("c"):
        pass
    assert not seats._taken


async def test_a_seat_is_given_back_though_the_reader_has_gone() -> None:
    seats = Seats(total=1)

    async def gone(_: object) -> None:
        raise ConnectionError

    async def never() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with ExitStack() as seat:
        seat.enter_context(seats.one("a"))
        answer = SeatedResponse(iter([b"x"]), seat=seat.pop_all())
    with pytest.raises(TransientError), seats.one("b"):
        pass
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the framework makes of it
        await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, never, gone)
    with seats.one("b"):
        pass
