"""A share in a quota: which windows count it, and what becomes of it without a Redis."""

import asyncio
import time

import pytest

from imageferry.sources.redis_quota import Share, window
from tests.servers.ports import free_port


@pytest.mark.parametrize(
    ("calls_s", "expected"),
    [(83.3, (83, 1)), (100, (100, 1)), (1.5, (3, 2)), (0.5, (1, 2)), (0.01, (1, 100)), (9.9, (19, 2))],
)
def test_a_window_is_short_and_never_more_than_the_quota(calls_s: float, expected: tuple[int, int]) -> None:
    calls, seconds = window(calls_s)
    assert (calls, seconds) == expected
    assert calls / seconds <= calls_s


async def test_without_redis_each_process_goes_on_with_its_part() -> None:
    share = Share(f"redis://127.0.0.1:{free_port()}", "bytes", prefix="test", calls_s=200, processes_min=4)
    began_s = time.monotonic()
    await asyncio.gather(*(share.admit() for _ in range(51)))
    assert time.monotonic() - began_s >= 1
    await share.close()
