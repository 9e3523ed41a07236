"""The quota in Redis: the window that counts it, and what happens without Redis."""

import asyncio
import time

import pytest

from imageferry.sources.redis_quota import RedisQuota, choose_window
from tests.servers.ports import free_port


@pytest.mark.parametrize(
    ("calls_per_s", "expected"),
    [(83.3, (83, 1)), (100, (100, 1)), (1.5, (3, 2)), (0.5, (1, 2)), (0.01, (1, 100)), (9.9, (19, 2))],
)
def test_the_window_is_short_and_never_exceeds_the_quota(calls_per_s: float, expected: tuple[int, int]) -> None:
    calls, seconds = choose_window(calls_per_s)
    assert (calls, seconds) == expected
    assert calls / seconds <= calls_per_s


async def test_without_redis_each_process_uses_an_equal_part_of_the_quota() -> None:
    quota = RedisQuota(f"redis://127.0.0.1:{free_port()}", "bytes", prefix="test", calls_per_s=200, processes_min=4)
    started_s = time.monotonic()
    await asyncio.gather(*(quota.acquire() for _ in range(51)))
    assert time.monotonic() - started_s >= 1
    await quota.close()
