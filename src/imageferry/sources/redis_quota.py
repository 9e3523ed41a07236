"""A process's share in a quota of calls that many processes have in common, counted in Redis."""

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

ANSWER_WITHIN_S = 1.0
# While Redis is away, it is asked again this often.
ASK_AGAIN_S = 5.0
# How often a process says that it is there, and how long that is believed.
PRESENT_EVERY_S = 5.0
PRESENT_FOR_S = 20.0
WAIT_S_MIN = 0.005
# A window whose whole number of calls is so much of the quota is good enough.
GOOD_FRACTION = 0.95
WINDOW_S_MAX = 60


class Share:
    """Lets the calls of one kind of all processes through at no more than `calls_s` together.

    While Redis is away each goes on with an equal part: of those that were last seen there, or of
    `processes_min`, which are known to be there anyway.
    """

    def __init__(self, redis_url: str, kind: str, *, prefix: str, calls_s: float, processes_min: int = 1) -> None:
        self._kind = kind
        self._calls_s = calls_s
        self._server = Redis.from_url(
            redis_url,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 1),
        )
        key_prefix = f"{prefix}.quota"
        pool: Any = self._server.connection_pool  # the library's annotation knows plain values alone
        counts = RedisStorage(redis_url, implementation="redispy", key_prefix=key_prefix, connection_pool=pool)
        self._limiter = MovingWindowRateLimiter(counts)
        calls, seconds = window(calls_s)
        self._window = RateLimitItemPerSecond(calls, seconds, namespace=kind)
        self._present_key, self._me = f"{key_prefix}.{kind}.processes", token_hex(8)
        self._processes = self._processes_min = processes_min
        self._present_until_s = -math.inf
        self._away_until_s = -math.inf
        self._next_at_s = -math.inf  # of a call, while Redis is away
        self._turn = asyncio.Lock()  # first come, first served

    async def admit(self) -> None:
        """Returns when a call may be made."""
        async with self._turn:
            while time.monotonic() >= self._away_until_s:
                try:
                    wait_s = await self._asked()
                except (RedisError, OSError) as exc:
                    self._begin_without(exc)
                    break
                if wait_s is None:
                    return
                await asyncio.sleep(wait_s)
            await self._slot()

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        await self._server.aclose()

    async def _asked(self) -> float | None:
        """None: a call may be made; else when to ask again."""
        if time.monotonic() >= self._present_until_s:
            await self._be_present()
        if await self._limiter.hit(self._window):
            if self._away_until_s > 0:
                log.warning("quota.shared", kind=self._kind, processes=self._processes)
                self._away_until_s = -math.inf
            return None
        resets_at_s, _ = await self._limiter.get_window_stats(self._window)
        return max(resets_at_s - time.time(), WAIT_S_MIN)

    async def _be_present(self) -> None:
        now_s = time.time()
        async with self._server.pipeline() as asking:
            asking.zadd(self._present_key, {self._me: now_s})
            asking.zremrangebyscore(self._present_key, 0, now_s - PRESENT_FOR_S)
            asking.expire(self._present_key, math.ceil(PRESENT_FOR_S))
            asking.zcard(self._present_key)
            *_, present = await cast("Awaitable[list[int]]", asking.execute())
        self._processes = max(present, self._processes_min)
        self._present_until_s = time.monotonic() + PRESENT_EVERY_S

    def _begin_without(self, error: Exception) -> None:
        now_s = time.monotonic()
        if self._away_until_s < 0:
            own = round(self._calls_s / self._processes, 2)
            log.warning("quota.apart", kind=self._kind, calls_s=own, processes=self._processes, detail=str(error))
            self._next_at_s = now_s
        self._away_until_s = now_s + ASK_AGAIN_S

    async def _slot(self) -> None:
        now_s = time.monotonic()
        at_s = max(self._next_at_s, now_s)
        self._next_at_s = at_s + self._processes / self._calls_s
        await asyncio.sleep(at_s - now_s)


def window(calls_s: float) -> tuple[int, int]:
    """A whole number of calls in whole seconds, short ones, that is no more than the quota and hardly less."""
    for seconds in range(1, WINDOW_S_MAX + 1):
        calls = math.floor(calls_s * seconds + 1e-9)
        if calls >= max(1, GOOD_FRACTION * calls_s * seconds):
            return calls, seconds
    return 1, math.ceil(1 / calls_s)
