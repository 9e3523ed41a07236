"""A refusal of Google's as it came: JSON in one of two shapes, or an HTML page."""

import time
from email.utils import parsedate_to_datetime
from typing import Self

import msgspec
from msgspec import Struct

RETRY_AFTER_S_MAX = 3600.0
MESSAGE_LENGTH_MAX = 300


class Refusal(Struct, frozen=True, kw_only=True):
    """What an answer that is not the one asked for says of itself."""

    status: int
    html: bool = False
    retry_after_s: float | None = None
    codes: tuple[str, ...] = ()  # as `userRateLimitExceeded` or `API_KEY_INVALID`, the telling ones first
    message: str = ""  # one line, for people

    @classmethod
    def from_answer(cls, *, status: int, content_type: str, body: bytes, retry_after: str | None = None) -> Self:
        """Reads whatever came; a body that is neither shape is one without codes."""
        try:
            error = _decoder.decode(body).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = _Error()
        return cls(
            status=status,
            html="html" in content_type,
            retry_after_s=_seconds(retry_after),
            codes=tuple(_codes(error)),
            message=" ".join(error.message.split())[:MESSAGE_LENGTH_MAX],
        )


class _Item(msgspec.Struct, gc=False):
    reason: str = ""


class _Detail(msgspec.Struct, gc=False):
    reason: str = ""
    metadata: dict[str, str] = {}


class _Error(msgspec.Struct, gc=False):
    message: str = ""
    status: str = ""
    errors: list[_Item] = []  # the older shape
    details: list[_Detail] = []  # the newer shape


class _Answer(msgspec.Struct, gc=False):
    error: _Error


_decoder = msgspec.json.Decoder(_Answer)


def _codes(error: _Error) -> list[str]:
    codes = [*(item.reason for item in error.errors), *(detail.reason for detail in error.details), error.status]
    # Each shape has one code for every quota; only the limit's name tells a day's from a minute's.
    if any("PerDay" in detail.metadata.get("quota_limit", "") for detail in error.details):
        codes.insert(0, "dailyLimitExceeded")
    return [code for code in codes if code]


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header, which is a number of seconds or a date, as seconds from now, within bounds."""
    if retry_after is None:
        return None
    try:
        seconds_told = float(int(retry_after))
    except ValueError:
        try:
            seconds_told = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds_told, 0.0), RETRY_AFTER_S_MAX)
