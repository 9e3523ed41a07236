"""A call quota shared by many processes, counted in Redis."""

import asyncio
import math
import time
from collections.abc import Awaitable
from secrets import token_hex
from typing import Any, cast

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from imageferry.log import log

TIMEOUT_S = 1.0
# How often Redis is tried while it is unavailable.
RECONNECT_EVERY_S = 5.0
# How often a process registers itself, and how long a registration counts.
HEARTBEAT_EVERY_S = 5.0
HEARTBEAT_VALID_S = 20.0
WAIT_S_MIN = 0.005
# A window is accepted when its whole number of calls is at least this fraction of the quota.
WINDOW_FRACTION_MIN = 0.95
WINDOW_S_MAX = 60


class RedisQuota:
    """Limits the calls of one kind of all processes together to `calls_per_s` per second.

    While Redis is unavailable, each process continues with an equal part of the quota: divided by the processes last
    registered, or by `processes_min`, which are known to exist.
    """

    def __init__(self, redis_url: str, kind: str, *, prefix: str, calls_per_s: float, processes_min: int = 1) -> None:
        self._kind = kind
        self._calls_per_s = calls_per_s
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )
        key_prefix = f"{prefix}.quota"
        pool: Any = self._redis.connection_pool  # the library's annotation allows plain values only
        counts = RedisStorage(redis_url, implementation="redispy", key_prefix=key_prefix, connection_pool=pool)
        self._limiter = MovingWindowRateLimiter(counts)
        calls, seconds = choose_window(calls_per_s)
        self._window = RateLimitItemPerSecond(calls, seconds, namespace=kind)
        self._processes_key, self._process_id = f"{key_prefix}.{kind}.processes", token_hex(8)
        self._processes = self._processes_min = processes_min
        self._heartbeat_until_s = -math.inf
        self._reconnect_at_s = -math.inf
        self._next_at_s = -math.inf  # of a call, while Redis is unavailable
        self._turn = asyncio.Lock()  # FIFO

    async def acquire(self) -> None:
        """See CallQuota."""
        async with self._turn:
            while time.monotonic() >= self._reconnect_at_s:
                try:
                    wait_s = await self._try_acquire()
                except (RedisError, OSError) as exc:
                    self._on_unavailable(exc)
                    break
                if wait_s is None:
                    return
                await asyncio.sleep(wait_s)
            await self._wait_for_slot()

    async def close(self) -> None:
        """See CallQuota."""
        await self._redis.aclose()

    async def _try_acquire(self) -> float | None:
        """Return None when a call may be made, else the seconds to wait before the next try."""
        if time.monotonic() >= self._heartbeat_until_s:
            await self._register_process()
        if await self._limiter.hit(self._window):
            if self._reconnect_at_s > 0:
                log.warning("quota.redis_back", kind=self._kind, processes=self._processes)
                self._reconnect_at_s = -math.inf
            return None
        resets_at_s, _ = await self._limiter.get_window_stats(self._window)
        return max(resets_at_s - time.time(), WAIT_S_MIN)

    async def _register_process(self) -> None:
        now_s = time.time()
        async with self._redis.pipeline() as pipeline:
            pipeline.zadd(self._processes_key, {self._process_id: now_s})
            pipeline.zremrangebyscore(self._processes_key, 0, now_s - HEARTBEAT_VALID_S)
            pipeline.expire(self._processes_key, math.ceil(HEARTBEAT_VALID_S))
            pipeline.zcard(self._processes_key)
            *_, registered = await cast("Awaitable[list[int]]", pipeline.execute())
        self._processes = max(registered, self._processes_min)
        self._heartbeat_until_s = time.monotonic() + HEARTBEAT_EVERY_S

    def _on_unavailable(self, error: Exception) -> None:
        now_s = time.monotonic()
        if self._reconnect_at_s < 0:
            own_calls_per_s = round(self._calls_per_s / self._processes, 2)
            log.warning(
                "quota.redis_lost",
                kind=self._kind,
                calls_per_s=own_calls_per_s,
                processes=self._processes,
                detail=str(error),
            )
            self._next_at_s = now_s
        self._reconnect_at_s = now_s + RECONNECT_EVERY_S

    async def _wait_for_slot(self) -> None:
        now_s = time.monotonic()
        at_s = max(self._next_at_s, now_s)
        self._next_at_s = at_s + self._processes / self._calls_per_s
        await asyncio.sleep(at_s - now_s)


def choose_window(calls_per_s: float) -> tuple[int, int]:
    """Return (calls, seconds): the shortest window in whole numbers that stays within the quota and is close to it."""
    for seconds in range(1, WINDOW_S_MAX + 1):
        calls = math.floor(calls_per_s * seconds + 1e-9)
        if calls >= max(1, WINDOW_FRACTION_MIN * calls_per_s * seconds):
            return calls, seconds
    return 1, math.ceil(1 / calls_per_s)
