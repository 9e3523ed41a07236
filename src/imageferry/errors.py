"""Errors, told apart by what is to be done about them; each carries a stable reason."""

from imageferry.reasons import Mender, Reason

__all__ = [
    "BlockedError",
    "ConflictError",
    "DeferredError",
    "FatalError",
    "ImageferryError",
    "KeyReusedError",
    "Mender",
    "NotFoundError",
    "PageTokenError",
    "PermanentError",
    "Reason",
    "ThrottledError",
    "TransientError",
    "UsageError",
]


class ImageferryError(Exception):
    """A stable reason and one sentence for a person: what is wrong and, where it can be, how to mend it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(ImageferryError):
    """The same call may succeed when it is made again, after `retry_after_s` seconds where that is known."""

    def __init__(self, reason: Reason, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after_s = retry_after_s


class UnreachableError(TransientError):
    """The source cannot be reached at all: no other call fares better, until it can be."""


class ThrottledError(TransientError):
    """The source wants fewer calls: every call of its kind slows down, then this one is made again."""


class DeferredError(ImageferryError):
    """This file is withheld for hours; everything else goes on."""


class PermanentError(ImageferryError):
    """This file, folder or request will never succeed as it stands."""


class NotFoundError(PermanentError):
    """The source does not have it, or does not show it to us."""


class PageTokenError(PermanentError):
    """The source does not accept this page token any more: list the folder again from its first page."""


class BlockedError(ImageferryError):
    """Nothing of the job can go on until somebody mends what the message names; the job waits."""


class UsageError(ImageferryError):
    """What was asked for cannot be understood."""


class ConflictError(ImageferryError):
    """What was asked for does not fit how things stand at present."""


class KeyReusedError(UsageError):
    """A key that makes a request safe to send again was sent with another request."""


class FatalError(ImageferryError):
    """This process cannot work with the configuration it was given."""
