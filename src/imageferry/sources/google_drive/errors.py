"""Translation of Google's error responses into errors by behaviour."""

from enum import StrEnum
from http import HTTPStatus

from msgspec import Struct

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
    UsageError,
)
from imageferry.sources.google_drive.error_response import ErrorResponse


class Subject(StrEnum):
    """What a failed call was about."""

    FOLDER = "folder"  # its metadata or its listing
    FILE = "file"  # its metadata or its bytes


class Call(Struct, frozen=True, kw_only=True):
    """A failed call."""

    subject: Subject
    id: str  # of the file or folder
    has_page_token: bool = False
    cool_down_s: float = 60.0  # pause after the page about "automated queries", which names no time


def to_error(response: ErrorResponse, *, call: Call) -> ImageferryError:
    """Return the error that a response stands for: by its codes, else by its status."""
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unavailable(response)
    for code in response.codes:
        if code in _THROTTLED:
            return _throttled(response)
        if code in _BY_CODE:
            kind, reason, sentence = _BY_CODE[code]
            return kind(reason, _with_detail(sentence, response))
    if any(phrase in response.message for phrase in _CREDENTIAL_PHRASES):
        return BlockedError(Reason.CREDENTIALS_REJECTED, _with_detail(_CREDENTIALS, response))
    return _by_status(response, call=call)


def not_found(call: Call) -> NotFoundError:
    """Return the error for a private, trashed or missing entry: Google does not distinguish these."""
    if call.subject is Subject.FILE:
        return NotFoundError(Reason.GONE, f"File {call.id} was deleted or is no longer shared.")
    return NotFoundError(
        Reason.FOLDER_NOT_FOUND,
        f"Folder {call.id} is private, in the trash or doesn't exist. Ask its owner to open it in Google Drive, choose "
        'Share and set "General access" to "Anyone with the link"; then try again.',
    )


def not_a_folder(name: str) -> UsageError:
    """Return the error for a link that names a file."""
    return UsageError(
        Reason.NOT_A_FOLDER_URL,
        f"This is the link of a file, {name!r}, not of a folder. Open the folder that contains it in "
        "Google Drive and copy that link.",
    )


def unexpected_page(call: Call) -> TransientError:
    """Return the error for a page that came with a success status instead of the requested content."""
    return TransientError(Reason.UNEXPECTED_PAGE, f"Google sent a web page instead of {call.subject} {call.id}.")


def automated_queries(call: Call, *, retry_after_s: float | None = None) -> ThrottledError:
    """Return the error for the page about "automated queries", which seldom names a time."""
    return ThrottledError(
        Reason.RATE_LIMITED,
        "Google blocks the requests as automated queries for a while.",
        retry_after_s=retry_after_s or call.cool_down_s,
    )


def download_quota_exceeded() -> DeferredError:
    """Return the error for a file that too many people downloaded recently."""
    return DeferredError(Reason.DOWNLOAD_QUOTA, f"{_DOWNLOAD_QUOTA}.")


_CREDENTIALS = (
    "Google rejected the API key or account. Check GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS, and that "
    "the Google Drive API is enabled in its project"
)
_DOWNLOAD_QUOTA = "Too many people downloaded this file recently. Google allows downloads again within about a day"
_DAILY_LIMIT = "The Google project's daily quota is used up. It resets at midnight Pacific time"
_FORBIDDEN = "The file's owner doesn't allow downloads"

_THROTTLED = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "sharingRateLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)

# The error for each code: first those of the older format, then those of the newer.
_BY_CODE: dict[str, tuple[type[ImageferryError], Reason, str]] = {
    "downloadQuotaExceeded": (DeferredError, Reason.DOWNLOAD_QUOTA, _DOWNLOAD_QUOTA),
    "quotaExceeded": (DeferredError, Reason.DOWNLOAD_QUOTA, _DOWNLOAD_QUOTA),
    "dailyLimitExceeded": (BlockedError, Reason.DAILY_LIMIT, _DAILY_LIMIT),
    "dailyLimitExceededUnreg": (BlockedError, Reason.DAILY_LIMIT, _DAILY_LIMIT),
    "cannotDownloadAbusiveFile": (
        PermanentError,
        Reason.ABUSIVE,
        "Google flagged this file as malware or spam",
    ),
    "cannotDownloadFile": (PermanentError, Reason.FORBIDDEN, _FORBIDDEN),
    "insufficientFilePermissions": (PermanentError, Reason.FORBIDDEN, _FORBIDDEN),
    "fileNotDownloadable": (
        PermanentError,
        Reason.FORBIDDEN,
        "Google Docs files can't be imported",
    ),
    "keyInvalid": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "keyExpired": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "accessNotConfigured": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "ipRefererBlocked": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "insufficientPermissions": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "API_KEY_INVALID": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "API_KEY_EXPIRED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "API_KEY_SERVICE_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "API_KEY_IP_ADDRESS_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "API_KEY_HTTP_REFERRER_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "SERVICE_DISABLED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
    "CONSUMER_SUSPENDED": (BlockedError, Reason.CREDENTIALS_REJECTED, _CREDENTIALS),
}

# The code `forbidden` is ambiguous: these messages distinguish a rejected key from a forbidden file.
_CREDENTIAL_PHRASES = ("API key not valid", "API key expired", "unregistered callers")


def _by_status(response: ErrorResponse, *, call: Call) -> ImageferryError:
    error: ImageferryError
    match response.status:
        case HTTPStatus.UNAUTHORIZED:
            error = BlockedError(Reason.CREDENTIALS_REJECTED, _with_detail(_CREDENTIALS, response))
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            error = not_found(call)
        case HTTPStatus.TOO_MANY_REQUESTS:
            error = _throttled(response)
        case HTTPStatus.FORBIDDEN if response.html:
            error = automated_queries(call, retry_after_s=response.retry_after_s)
        case HTTPStatus.FORBIDDEN:
            error = PermanentError(
                Reason.FORBIDDEN, _with_detail(f"Google denied access to {call.subject} {call.id}", response)
            )
        case HTTPStatus.BAD_REQUEST if call.has_page_token:
            error = PageTokenError(
                Reason.REJECTED, _with_detail(f"Google rejected the page token of folder {call.id}", response)
            )
        case HTTPStatus.REQUEST_TIMEOUT:
            error = TransientError(Reason.SOURCE_UNAVAILABLE, "Google timed out waiting for the request.")
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            error = TransientError(Reason.CORRUPT, f"File {call.id} is shorter than before.")
        case status:
            error = PermanentError(Reason.REJECTED, _with_detail(f"Google answered with status {status}", response))
    return error


def _throttled(response: ErrorResponse) -> ThrottledError:
    return ThrottledError(
        Reason.RATE_LIMITED,
        _with_detail("Google is limiting the request rate", response),
        retry_after_s=response.retry_after_s,
    )


def _unavailable(response: ErrorResponse) -> TransientError:
    # A single 500 often concerns one file and must not slow the others down; 503 concerns the whole service.
    overloaded = response.status == HTTPStatus.SERVICE_UNAVAILABLE or response.retry_after_s is not None
    kind = ThrottledError if overloaded else TransientError
    return kind(
        Reason.SOURCE_UNAVAILABLE,
        _with_detail(f"Google answered with status {response.status}", response),
        retry_after_s=response.retry_after_s,
    )


def _with_detail(sentence: str, response: ErrorResponse) -> str:
    """Return the sentence, followed by Google's own message if there is one."""
    return f"{sentence}: {response.message}" if response.message else f"{sentence}."
