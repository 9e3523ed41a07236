"""What is dear: how often each client may ask for it, and the answer when it asks more often."""

from collections.abc import Callable
from enum import StrEnum
from math import ceil

from fastapi import HTTPException, Request
from starlette.responses import Response

from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.security.rate_limiter import Rate, client_of


class Dear(StrEnum):
    """What is counted."""

    ARCHIVE = "archive"  # up to a thousand images, read from the store
    GUESS = "guess"  # a wrong token or link: enough for a person's mistakes, none for a machine's guesses
    PREVIEW = "preview"  # it lists a folder at the source
    GLIMPSE = "glimpse"  # it reads a file at the source
    THUMBNAIL = "thumbnail"  # one to be made: a screenful at once, then as many as a machine makes


_RATIONS = {  # at once, then in each minute
    Dear.ARCHIVE: (10, 10),
    Dear.GUESS: (10, 10),
    Dear.PREVIEW: (30, 30),
    Dear.GLIMPSE: (80, 80),
    Dear.THUMBNAIL: (300, 1500),
}
_SENTENCE = "Too often: wait, and try again."


class Rations:
    """Of everything that is dear, what each client had of it."""

    def __init__(self) -> None:
        self._rates = {dear: Rate(burst=burst, per_minute=most) for dear, (burst, most) in _RATIONS.items()}

    def __getitem__(self, dear: Dear) -> Rate:
        """Its rate."""
        return self._rates[dear]


def rationed(dear: Dear) -> Callable[[Request], None]:
    """What a route depends on that is dear: 429 to a client that asks too often."""

    def counted(request: Request) -> None:
        rations: Rations = request.app.state.rations
        if wait_s := rations[dear].take(client_of(request.scope)):
            raise HTTPException(429, _SENTENCE, headers=_retry_after(wait_s))

    return counted


def too_often(wait_s: float) -> Response:
    """The same refusal, as an answer."""
    return refusal(429, _SENTENCE, headers=_retry_after(wait_s))


def _retry_after(wait_s: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, ceil(wait_s)))}
