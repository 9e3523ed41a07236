"""Parsing of Google's error responses: JSON in one of two formats, or an HTML page."""

import time
from email.utils import parsedate_to_datetime
from typing import Self

import msgspec
from msgspec import Struct

RETRY_AFTER_S_MAX = 3600.0
MESSAGE_LENGTH_MAX = 300
_DATE_LENGTH_MAX = 64


class ErrorResponse(Struct, frozen=True, kw_only=True):
    """Status, codes and message of an error response."""

    status: int
    html: bool = False
    retry_after_s: float | None = None
    codes: tuple[str, ...] = ()  # such as `userRateLimitExceeded` or `API_KEY_INVALID`, the most specific first
    message: str = ""  # one line, for people

    @classmethod
    def parse(cls, *, status: int, content_type: str, body: bytes, retry_after: str | None = None) -> Self:
        """Parse a response. A body in neither format yields no codes."""
        try:
            error = _decoder.decode(body).error
        except (ValueError, RecursionError):
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
    errors: list[_Item] = []  # the older format
    details: list[_Detail] = []  # the newer format


class _Body(msgspec.Struct, gc=False):
    error: _Error


_decoder = msgspec.json.Decoder(_Body)


def _codes(error: _Error) -> list[str]:
    codes = [*(item.reason for item in error.errors), *(detail.reason for detail in error.details), error.status]
    # Each format has one code for all quotas. Only the limit's name distinguishes daily from per-minute ones.
    if any("PerDay" in detail.metadata.get("quota_limit", "") for detail in error.details):
        codes.insert(0, "dailyLimitExceeded")
    return [code for code in codes if code]


def _seconds(retry_after: str | None) -> float | None:
    """Return a Retry-After header (seconds or a date) as seconds from now, within bounds; None: invalid."""
    if retry_after is None:
        return None
    try:
        if retry_after.isascii() and retry_after.strip().lstrip("+-").isdecimal():
            seconds = float(retry_after)
        else:
            seconds = parsedate_to_datetime(retry_after[:_DATE_LENGTH_MAX]).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)
