"""Translation of obstore's errors into errors by behaviour."""

import re
from urllib.parse import quote

from obstore.exceptions import (
    BaseError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from imageferry.errors import BlockedError, ImageferryError, PermanentError, Reason, TransientError


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# obstore reports errors of the file system, and most errors of a server, only in their text.
# Each row: what the text contains, the reason, and our message.
_PATTERNS: tuple[tuple[re.Pattern[str], Reason, str], ...] = (
    (
        _any_of(r"(os error|errno) (28|122)\b", "no space left", "quota ?exceeded", "InsufficientStorage", r"\b507 "),
        Reason.STORE_FULL,
        "The storage at {store} is full. Free some space, or point STORE_URL to other storage.",
    ),
    (
        _any_of(
            r"(os error|errno) (30|13|1)\b",
            r"\b40[13] (Forbidden|Unauthorized)",
            "AccessDenied",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AuthenticationFailed",
            "169\\.254\\.169\\.254",  # the metadata server, which is queried when no credentials are set
            "credential",
        ),
        Reason.STORE_DENIED,
        "Access to {store} was denied. Check its credentials and permissions.",
    ),
    (
        _any_of(
            "NoSuchBucket",
            "ContainerNotFound",
            "specified (bucket|container) does not exist",
            r"(os error|errno) (2|20)\b",
        ),
        Reason.STORE_MISSING,
        "The storage at {store} does not exist. Create the bucket or container, or change STORE_URL.",
    ),
)
# A staged file was gone when it was to be renamed: another process that writes the same object had removed it.
_STAGED_FILE_GONE = re.compile(r"Unable to rename file.*(os error|errno) 2\b", re.IGNORECASE | re.DOTALL)
_CLIENT_ERROR = re.compile(r"\b4\d\d [A-Z]")
_BUSY = re.compile(r"\b(408|409|429) [A-Z]|SlowDown|RequestTimeout")


class translate_errors:  # noqa: N801 - used like a function; a class because it is entered for each file
    """Context manager that translates obstore's errors into errors by behaviour.

    BlockedError: the store takes no objects now, so the next file would fail too and the job waits.
    PermanentError: the store rejects this object. TransientError: this object may be put again.
    """

    __slots__ = ("_key", "_store")

    def __init__(self, store: str, *, key: str = "") -> None:
        self._store = store
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (BaseError, OSError, NotImplementedError)):
            raise _translate(error, self._store, key=self._key) from error


def _translate(exc: Exception, store: str, *, key: str) -> ImageferryError:
    detail = _first_line(exc)
    # A key ends in a file's name, which may contain any text.
    text = str(exc).replace(key, "").replace(quote(key), "")
    if _STAGED_FILE_GONE.search(text):
        return TransientError(Reason.STORE_UNAVAILABLE, f"Another process wrote the same object to {store}: {detail}")
    for pattern, reason, sentence in _PATTERNS:
        if pattern.search(text):
            return BlockedError(reason, f"{sentence.format(store=store)} ({detail})")
    if isinstance(exc, (PermissionDeniedError, UnauthenticatedError)):
        message = f"Access to {store} was denied. Check its credentials and permissions. ({detail})"
        return BlockedError(Reason.STORE_DENIED, message)
    if "NoSuchUpload" in text:
        # It was completed and the response lost, or another process aborted it: the object under the key will show.
        return TransientError(Reason.STORE_UNAVAILABLE, f"The storage at {store} no longer knows this upload: {detail}")
    if isinstance(exc, (NotFoundError, FileNotFoundError)):
        message = f"The storage at {store} does not exist. Create it, or change STORE_URL. ({detail})"
        return BlockedError(Reason.STORE_MISSING, message)
    if isinstance(exc, NotSupportedError) or (_CLIENT_ERROR.search(detail) and not _BUSY.search(detail)):
        return PermanentError(Reason.REJECTED, f"The storage at {store} rejected this object: {detail}")
    return BlockedError(
        Reason.STORE_UNAVAILABLE, f"The storage at {store} can't be reached or reports an error: {detail}"
    )


def _first_line(exc: Exception) -> str:
    line = str(exc).partition("\n")[0].partition(": <?xml")[0]
    return re.sub(r"\?\S*", "", line)[:300]  # the query of a signed URL is a secret
