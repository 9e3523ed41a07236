"""Google's refusals, turned into errors by what is to be done about them."""

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
from imageferry.sources.google_drive.error_response import Refusal


class Asked(StrEnum):
    """What a refused call was about."""

    FOLDER = "folder"  # itself, or its listing
    FILE = "file"  # its bytes, or what the source knows of it


class Call(Struct, frozen=True, kw_only=True):
    """A call that was refused."""

    asked: Asked
    id: str  # of the file or folder
    paged: bool = False  # it was sent with a page token
    cool_down_s: float = 60.0  # the pause where Google names none and has shut us out as a robot


def error_from(refusal: Refusal, *, call: Call) -> ImageferryError:
    """The error that a refusal stands for: by the codes it carries, else by its status."""
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unavailable(refusal)
    for code in refusal.codes:
        if code in _THROTTLED:
            return _throttled(refusal)
        if code in _BY_CODE:
            kind, reason, sentence = _BY_CODE[code]
            return kind(reason, _told(sentence, refusal))
    if any(phrase in refusal.message for phrase in _CREDENTIAL_PHRASES):
        return BlockedError(Reason.CREDENTIALS_REJECTED, _told(_MEND_CREDENTIALS, refusal))
    return _by_status(refusal, call=call)


def not_found(call: Call) -> NotFoundError:
    """What is private, in the bin or missing: Google does not tell these apart."""
    if call.asked is Asked.FILE:
        return NotFoundError(Reason.GONE, f"File {call.id} was deleted or is not shared any more.")
    return NotFoundError(
        Reason.FOLDER_NOT_FOUND,
        f"Folder {call.id} is not public, is in the bin, or does not exist. Open it in Google Drive, choose "
        'Share, and set "General access" to "Anyone with the link"; then try again.',
    )


def not_a_folder(name: str) -> UsageError:
    """What a link names that was taken for a folder's."""
    return UsageError(
        Reason.NOT_A_FOLDER_URL,
        f"This is the link of a single file, {name!r}, not of a folder. Open the folder that holds it in "
        "Google Drive and copy its link.",
    )


def not_the_file(call: Call) -> TransientError:
    """What came with a status of success, and is something else."""
    return TransientError(Reason.NOT_THE_FILE, f"Google answered with a page instead of {call.asked} {call.id}.")


def shut_out(call: Call, *, retry_after_s: float | None = None) -> ThrottledError:
    """What the page about "automated queries" asks for, which seldom names a time."""
    return ThrottledError(
        Reason.RATE_LIMITED,
        "Google takes the calls for those of a robot and asks to pause.",
        retry_after_s=retry_after_s or call.cool_down_s,
    )


def withheld() -> DeferredError:
    """What too many people have downloaded lately."""
    return DeferredError(Reason.DOWNLOAD_QUOTA, f"{_WITHHELD}.")


_MEND_CREDENTIALS = (
    "Google does not accept the API key or account. Check GOOGLE_API_KEY (or the service account's file) and "
    "whether the Google Drive API is enabled in its project"
)
_WITHHELD = "Too many people downloaded this file lately; Google gives it out again within about a day"
_USED_UP = "The Google project's quota for today is used up; it starts anew at midnight, Pacific time"
_FORBIDDEN = "The file's owner does not permit downloads"

_THROTTLED = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "sharingRateLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)

# What each code leads to; those of the older shape of error first, then those of the newer.
_BY_CODE: dict[str, tuple[type[ImageferryError], Reason, str]] = {
    "downloadQuotaExceeded": (DeferredError, Reason.DOWNLOAD_QUOTA, _WITHHELD),
    "quotaExceeded": (DeferredError, Reason.DOWNLOAD_QUOTA, _WITHHELD),
    "dailyLimitExceeded": (BlockedError, Reason.DAILY_LIMIT, _USED_UP),
    "dailyLimitExceededUnreg": (BlockedError, Reason.DAILY_LIMIT, _USED_UP),
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
        "This is a Google document, which has no bytes",
    ),
    "keyInvalid": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "keyExpired": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "accessNotConfigured": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "ipRefererBlocked": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "insufficientPermissions": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "API_KEY_INVALID": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "API_KEY_EXPIRED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "API_KEY_SERVICE_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "API_KEY_IP_ADDRESS_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "API_KEY_HTTP_REFERRER_BLOCKED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "SERVICE_DISABLED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
    "CONSUMER_SUSPENDED": (BlockedError, Reason.CREDENTIALS_REJECTED, _MEND_CREDENTIALS),
}

# `forbidden` alone says too little: these messages tell a refused key from a refused file.
_CREDENTIAL_PHRASES = ("API key not valid", "API key expired", "unregistered callers")


def _by_status(refusal: Refusal, *, call: Call) -> ImageferryError:
    error: ImageferryError
    match refusal.status:
        case HTTPStatus.UNAUTHORIZED:
            error = BlockedError(Reason.CREDENTIALS_REJECTED, _told(_MEND_CREDENTIALS, refusal))
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            error = not_found(call)
        case HTTPStatus.TOO_MANY_REQUESTS:
            error = _throttled(refusal)
        case HTTPStatus.FORBIDDEN if refusal.html:
            error = shut_out(call, retry_after_s=refusal.retry_after_s)
        case HTTPStatus.FORBIDDEN:
            error = PermanentError(Reason.FORBIDDEN, _told(f"Google refuses access to {call.asked} {call.id}", refusal))
        case HTTPStatus.BAD_REQUEST if call.paged:
            error = PageTokenError(
                Reason.REJECTED, _told(f"Google does not accept the page token of folder {call.id}", refusal)
            )
        case HTTPStatus.REQUEST_TIMEOUT:
            error = TransientError(Reason.SOURCE_UNAVAILABLE, "Google waited too long for the request.")
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            error = TransientError(Reason.CORRUPT, f"File {call.id} is shorter than it was.")
        case status:
            error = PermanentError(Reason.REJECTED, _told(f"Google answered with status {status}", refusal))
    return error


def _throttled(refusal: Refusal) -> ThrottledError:
    return ThrottledError(
        Reason.RATE_LIMITED, _told("Google asks to slow down", refusal), retry_after_s=refusal.retry_after_s
    )


def _unavailable(refusal: Refusal) -> TransientError:
    # A single 500 is often one file's trouble and must not slow the others down; 503 speaks for the service.
    overloaded = refusal.status == HTTPStatus.SERVICE_UNAVAILABLE or refusal.retry_after_s is not None
    kind = ThrottledError if overloaded else TransientError
    return kind(
        Reason.SOURCE_UNAVAILABLE,
        _told(f"Google answered with status {refusal.status}", refusal),
        retry_after_s=refusal.retry_after_s,
    )


def _told(sentence: str, refusal: Refusal) -> str:
    """The sentence, with Google's own words behind it where there are any."""
    return f"{sentence}: {refusal.message}" if refusal.message else f"{sentence}."
