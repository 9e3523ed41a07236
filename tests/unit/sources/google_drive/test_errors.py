"""Translation of Google's error responses."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from imageferry.errors import (
    BlockedError,
    DeferredError,
    ImageferryError,
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from imageferry.sources.google_drive.error_response import ErrorResponse
from imageferry.sources.google_drive.errors import Call, Subject, to_error

FILE = Call(subject=Subject.FILE, id="file-id", cool_down_s=45)
FOLDER = Call(subject=Subject.FOLDER, id="folder-id")


def older(reason: str, message: str = "Google's message.", domain: str = "usageLimits") -> bytes:
    errors = [{"domain": domain, "reason": reason, "message": message}]
    return json.dumps({"error": {"code": 403, "message": message, "errors": errors}}).encode()


def newer(status: str, message: str = "Google's message.", **detail: object) -> bytes:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "googleapis.com", **detail}
    return json.dumps({"error": {"code": 403, "message": message, "status": status, "details": [info]}}).encode()


def both(one: bytes, other: bytes) -> bytes:
    """Merge both formats."""
    return json.dumps({"error": json.loads(one)["error"] | json.loads(other)["error"]}).encode()


def error_of(status: int, body: bytes, *, call: Call = FILE, retry_after: str | None = None) -> ImageferryError:
    content_type = "application/json; charset=UTF-8" if body.startswith(b"{") else "text/html"
    response = ErrorResponse.parse(status=status, content_type=content_type, body=body, retry_after=retry_after)
    return to_error(response, call=call)


SORRY = b"<html><body>We're sorry... but your computer may be sending automated queries.</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (403, older("rateLimitExceeded"), ThrottledError, Reason.RATE_LIMITED),
        (403, older("userRateLimitExceeded"), ThrottledError, Reason.RATE_LIMITED),
        (403, older("sharingRateLimitExceeded", domain="global"), ThrottledError, Reason.RATE_LIMITED),
        (429, older("rateLimitExceeded"), ThrottledError, Reason.RATE_LIMITED),
        (429, b"", ThrottledError, Reason.RATE_LIMITED),
        (429, newer("RESOURCE_EXHAUSTED", reason="RATE_LIMIT_EXCEEDED"), ThrottledError, Reason.RATE_LIMITED),
        (403, SORRY, ThrottledError, Reason.RATE_LIMITED),
        (503, b"", ThrottledError, Reason.SOURCE_UNAVAILABLE),
        (500, older("internalError"), TransientError, Reason.SOURCE_UNAVAILABLE),
        (502, b"<html>Bad gateway</html>", TransientError, Reason.SOURCE_UNAVAILABLE),
        (408, b"", TransientError, Reason.SOURCE_UNAVAILABLE),
        (416, b"", TransientError, Reason.CORRUPT),
        (403, older("downloadQuotaExceeded", domain="global"), DeferredError, Reason.DOWNLOAD_QUOTA),
        (403, older("quotaExceeded"), DeferredError, Reason.DOWNLOAD_QUOTA),
        (403, older("dailyLimitExceeded"), BlockedError, Reason.DAILY_LIMIT),
        (
            429,
            newer(
                "RESOURCE_EXHAUSTED",
                reason="RATE_LIMIT_EXCEEDED",
                metadata={"quota_limit": "EgressPerDayPerProject"},
            ),
            BlockedError,
            Reason.DAILY_LIMIT,
        ),
        (
            403,
            both(
                older("rateLimitExceeded"),
                newer("PERMISSION_DENIED", metadata={"quota_limit": "defaultPerDayPerProject"}),
            ),
            BlockedError,
            Reason.DAILY_LIMIT,
        ),
        (403, older("cannotDownloadAbusiveFile", domain="global"), PermanentError, Reason.ABUSIVE),
        (403, older("cannotDownloadFile", domain="global"), PermanentError, Reason.FORBIDDEN),
        (403, older("insufficientFilePermissions", domain="global"), PermanentError, Reason.FORBIDDEN),
        (403, older("fileNotDownloadable", domain="global"), PermanentError, Reason.FORBIDDEN),
        (403, older("somethingNew"), PermanentError, Reason.FORBIDDEN),
        (
            400,
            newer("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID"),
            BlockedError,
            Reason.CREDENTIALS_REJECTED,
        ),
        (400, older("badRequest", "API key not valid."), BlockedError, Reason.CREDENTIALS_REJECTED),
        (400, older("keyInvalid"), BlockedError, Reason.CREDENTIALS_REJECTED),
        (403, older("accessNotConfigured"), BlockedError, Reason.CREDENTIALS_REJECTED),
        (
            403,
            newer("PERMISSION_DENIED", "Method doesn't allow unregistered callers."),
            BlockedError,
            Reason.CREDENTIALS_REJECTED,
        ),
        (401, older("authError", domain="global"), BlockedError, Reason.CREDENTIALS_REJECTED),
        (401, b"", BlockedError, Reason.CREDENTIALS_REJECTED),
        (404, older("notFound", domain="global"), NotFoundError, Reason.GONE),
        (410, b"", NotFoundError, Reason.GONE),
        (400, older("invalid", domain="global"), PermanentError, Reason.REJECTED),
    ],
)
def test_each_error_response_becomes_an_error_by_behaviour(
    status: int, body: bytes, kind: type[ImageferryError], reason: Reason
) -> None:
    error = error_of(status, body)
    assert (type(error), error.reason) == (kind, reason)


def test_the_error_of_a_missing_folder_says_how_to_share_it() -> None:
    error = error_of(404, older("notFound"), call=FOLDER)
    assert (type(error), error.reason) == (NotFoundError, Reason.FOLDER_NOT_FOUND)
    assert "Anyone with the link" in error.message


def test_a_bad_request_with_a_page_token_is_a_page_token_error() -> None:
    with_token = Call(subject=Subject.FOLDER, id="folder-id", has_page_token=True)
    assert type(error_of(400, older("invalid"), call=with_token)) is PageTokenError
    assert type(error_of(400, older("keyInvalid"), call=with_token)) is BlockedError


def test_retry_after_is_read_as_seconds_or_as_a_date_within_bounds() -> None:
    def seconds_of(retry_after: str) -> float | None:
        error = error_of(429, b"", retry_after=retry_after)
        assert isinstance(error, ThrottledError)
        return error.retry_after_s

    assert seconds_of("17") == 17
    assert seconds_of("-5") == 0
    assert seconds_of("999999999") == 3600
    assert seconds_of("soon") is None
    assert seconds_of("1e308") is None
    date_s = seconds_of(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert date_s == pytest.approx(90, abs=3)


def test_the_page_about_automated_queries_pauses_as_long_as_configured() -> None:
    error = error_of(403, SORRY)
    assert isinstance(error, ThrottledError)
    assert error.retry_after_s == 45


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"error": 7}', b"\xff\xfe", b'{"error": {"errors": [7]}}'])
def test_a_body_without_information_is_judged_by_its_status(body: bytes) -> None:
    assert type(error_of(500, body)) is TransientError
    assert type(error_of(404, body)) is NotFoundError


def test_googles_message_is_shown_on_one_line_and_truncated() -> None:
    error = error_of(400, older("odd", "Line one.\n" + "x" * 5000))
    assert "Line one. xxx" in error.message
    assert "\n" not in error.message
    assert len(error.message) < 500
