"""Rate limits per client for expensive requests and for login attempts."""

import asyncio
from enum import StrEnum
from math import ceil

from fastapi import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.security.rate_limiter import ClientRateLimiter, client_key


class LimitedAction(StrEnum):
    """A kind of request that is rate-limited."""

    IMPORT = "import"  # starts a job: the rate is a setting
    ARCHIVE = "archive"  # reads up to a thousand images from the store
    LOGIN_FAILURE = "login_failure"  # a wrong token or link: enough for typing errors, too few for guessing
    PREVIEW = "preview"  # lists a folder at the source
    PREVIEW_THUMBNAIL = "preview_thumbnail"  # reads a file at the source
    THUMBNAIL = "thumbnail"  # renders a thumbnail: a screenful at once, then as many as a machine can render


_LIMITS = {  # burst, then per minute
    LimitedAction.ARCHIVE: (10, 10),
    LimitedAction.LOGIN_FAILURE: (10, 10),
    LimitedAction.PREVIEW: (30, 30),
    LimitedAction.PREVIEW_THUMBNAIL: (80, 80),
    LimitedAction.THUMBNAIL: (300, 1500),
}
# How long a wrong guess over the limit waits for its answer, and how many may wait: more are answered at once.
GUESS_DELAY_S = 2.0
DELAYED_GUESSES_MAX = 1_000
_DETAIL = "Too many requests. Wait a moment, then try again."


class RateLimits:
    """The rate limiters of all limited actions."""

    def __init__(self, *, imports_per_minute: int) -> None:
        self._delayed_guesses = 0
        limits = {**_LIMITS, LimitedAction.IMPORT: (imports_per_minute, imports_per_minute)}
        self._limiters = {
            action: ClientRateLimiter(burst=burst, per_minute=per_minute)
            for action, (burst, per_minute) in limits.items()
        }

    def check(self, action: LimitedAction, scope: Scope) -> None:
        """Count one request; raise 429 with Retry-After when the client is over the limit."""
        if retry_after_s := self._limiters[action].acquire(client_key(scope)):
            raise HTTPException(429, _DETAIL, headers=_headers(retry_after_s))

    async def answer_wrong_guess(self, scope: Scope, answer: Response) -> Response:
        """Count a wrong token or link; return `answer`, or a late 429 with Retry-After to a client over the limit."""
        retry_after_s = self._limiters[LimitedAction.LOGIN_FAILURE].acquire(client_key(scope))
        if not retry_after_s:
            return answer
        if self._delayed_guesses < DELAYED_GUESSES_MAX:
            self._delayed_guesses += 1
            try:
                await asyncio.sleep(GUESS_DELAY_S)
            finally:
                self._delayed_guesses -= 1
        return problem_response(429, _DETAIL, headers=_headers(retry_after_s))


def _headers(retry_after_s: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, ceil(retry_after_s)))}
