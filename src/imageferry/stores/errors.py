"""Translation of obstore's errors into errors by behaviour."""

import re

from obstore.exceptions import BaseError, NotSupportedError

from imageferry.errors import BlockedError, ImageferryError, NotFoundError, PermanentError, Reason, TransientError
from imageferry.stores.answers import Answer
from imageferry.stores.refusals import error_of

# Errors of the file system, which obstore reports only in their text. The first row that matches applies.
_FILE_SYSTEM: tuple[tuple[str, type[ImageferryError], Reason, str], ...] = (
    (
        r"Unable to rename file.*\(os error 2\)",
        TransientError,
        Reason.STORE_UNAVAILABLE,
        "Another process wrote the same object to {store}.",
    ),
    (
        r"Object at location.*\(os error 2\)",
        NotFoundError,
        Reason.GONE,
        "The object is no longer in the storage at {store}.",
    ),
    (
        r"(os error|errno) (28|122)\b",
        BlockedError,
        Reason.STORE_FULL,
        "The storage at {store} is full. Free some space, or point STORE_URL to other storage.",
    ),
    (
        r"(os error|errno) (1|13|30)\b",
        BlockedError,
        Reason.STORE_DENIED,
        "imageferry can't write to {store}. Check the owner and the permissions of the folder, and of its disk.",
    ),
    (
        r"(os error|errno) (2|20)\b",
        BlockedError,
        Reason.STORE_MISSING,
        "The storage at {store} does not exist. Create the folder, or change STORE_URL.",
    ),
)
# What obstore makes of an error of AwsCredentials.
_NO_CREDENTIALS = re.compile(r"credential provider: [\w.]*CredentialsError: (?P<message>[^\n]*)")
_DETAIL_LENGTH_MAX = 300
# What pyo3 raises for a panic of obstore's Rust code: a BaseException from a call, an Exception from a coroutine.
_PANICS = ("PanicException", "RustPanic")


class translate_errors:  # noqa: N801 - used like a function; a class because it is entered for each file
    """Context manager that translates obstore's errors into errors by behaviour.

    BlockedError: the store takes no objects now, so the next file would fail too and the job waits.
    PermanentError: the store rejects this object. TransientError: this object may be put again. `refusal` is the
    store's answer to the same request in another form: it may say more than obstore's error.
    """

    __slots__ = ("_key", "_refusal", "_store")

    def __init__(self, store: str, *, key: str = "", refusal: Answer | None = None) -> None:
        self._store = store
        self._key = key
        self._refusal = refusal

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (BaseError, OSError, NotImplementedError)) or (
            isinstance(error, ValueError) and "parse path" in str(error)  # a key with `..`
        ):
            raise _translate(error, self._store, key=self._key, refusal=self._refusal) from error
        if type(error).__name__ in _PANICS:
            message = f"The client of the storage at {self._store} crashed. Check its settings: region, endpoint, keys."
            raise PermanentError(Reason.REJECTED, message) from error


def _translate(error: Exception, store: str, *, key: str, refusal: Answer | None) -> ImageferryError:
    if isinstance(error, OSError) or store.startswith("file:"):
        text = str(error).replace(key, "")
        for pattern, kind, reason, sentence in _FILE_SYSTEM:
            if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
                return kind(reason, f"{sentence.format(store=store)} ({_first_line(error)})")
    if match := _NO_CREDENTIALS.search(str(error)):
        return BlockedError(Reason.STORE_DENIED, match["message"])
    if isinstance(error, (NotSupportedError, ValueError)):
        return PermanentError(Reason.REJECTED, f"The storage at {store} rejected this object. ({_first_line(error)})")
    answer = Answer.of_exception(error, key=key)
    if isinstance(error, FileNotFoundError) and answer.status is None:  # of a store in memory
        return NotFoundError(Reason.GONE, f"The object is no longer in the storage at {store}.")
    return error_of(answer if answer.code or refusal is None else refusal, store=store)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:_DETAIL_LENGTH_MAX]
