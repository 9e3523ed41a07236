"""The store's errors, told as ours."""

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


# obstore tells a file system's errors (as Python does, nearly), and most of a server's, only in words:
# what it says, the reason, what to say.
_SIGNS: tuple[tuple[re.Pattern[str], Reason, str], ...] = (
    (
        _any_of(r"(os error|errno) (28|122)\b", "no space left", "quota ?exceeded", "InsufficientStorage", r"\b507 "),
        Reason.STORE_FULL,
        "The store {store} is full: free some space, or set STORE_URL to another store.",
    ),
    (
        _any_of(
            r"(os error|errno) (30|13|1)\b",
            r"\b40[13] (Forbidden|Unauthorized)",
            "AccessDenied",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AuthenticationFailed",
            "169\\.254\\.169\\.254",  # where a cloud's machine asks for credentials when none are set
            "credential",
        ),
        Reason.STORE_DENIED,
        "The store {store} may not be written: check its credentials and permissions.",
    ),
    (
        _any_of(
            "NoSuchBucket",
            "ContainerNotFound",
            "specified (bucket|container) does not exist",
            r"(os error|errno) (2|20)\b",
        ),
        Reason.STORE_MISSING,
        "The store {store} does not exist: create the bucket or container, or set STORE_URL to another.",
    ),
)
# A staged file was gone when it was to take its place: somebody else who brings the same object had tidied up.
_SWEPT_AWAY = re.compile(r"Unable to rename file.*(os error|errno) 2\b", re.IGNORECASE | re.DOTALL)
_REQUEST_REFUSED = re.compile(r"\b4\d\d [A-Z]")
_BUSY = re.compile(r"\b(408|409|429) [A-Z]|SlowDown|RequestTimeout")


class translated:  # noqa: N801 - it reads as a function, and is a class because each file enters it
    """A context that raises what obstore raises as errors by behaviour.

    A store that cannot take objects now is BlockedError: it would refuse the next file too, so the job
    waits. What it says of one object alone is PermanentError, or TransientError when that object may be put again.
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
    said = _first_line(exc)
    # A key ends in a file's name, which may say anything.
    words = str(exc).replace(key, "").replace(quote(key), "")
    if _SWEPT_AWAY.search(words):
        return TransientError(Reason.STORE_UNAVAILABLE, f"Somebody else brought the same object into {store}: {said}")
    for sign, reason, sentence in _SIGNS:
        if sign.search(words):
            return BlockedError(reason, f"{sentence.format(store=store)} ({said})")
    if isinstance(exc, (PermissionDeniedError, UnauthenticatedError)):
        message = f"The store {store} may not be written: check its credentials and permissions. ({said})"
        return BlockedError(Reason.STORE_DENIED, message)
    if "NoSuchUpload" in words:
        # It was completed and the answer lost, or somebody else aborted it: what stands under the key will tell.
        return TransientError(Reason.STORE_UNAVAILABLE, f"The store {store} does not know the upload any more: {said}")
    if isinstance(exc, (NotFoundError, FileNotFoundError)):
        message = f"The store {store} does not exist: create it, or set STORE_URL to another. ({said})"
        return BlockedError(Reason.STORE_MISSING, message)
    if isinstance(exc, NotSupportedError) or (_REQUEST_REFUSED.search(said) and not _BUSY.search(said)):
        return PermanentError(Reason.REJECTED, f"The store {store} does not take this object: {said}")
    return BlockedError(Reason.STORE_UNAVAILABLE, f"The store {store} does not answer as it should: {said}")


def _first_line(exc: Exception) -> str:
    line = str(exc).partition("\n")[0].partition(": <?xml")[0]
    return re.sub(r"\?\S*", "", line)[:300]  # a signed URL's query is a secret
