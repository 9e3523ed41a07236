"""Errors, classified by how to handle them. Each carries a stable reason."""

from imageferry.reasons import FixBy, Reason

__all__ = [
    "BlockedError",
    "ConflictError",
    "DeferredError",
    "FatalError",
    "FixBy",
    "ImageferryError",
    "KeyReusedError",
    "NotFoundError",
    "NotPermittedError",
    "PageTokenError",
    "PermanentError",
    "Reason",
    "RefusedRowError",
    "ThrottledError",
    "TransientError",
    "UsageError",
]


class ImageferryError(Exception):
    """Base of all errors: a stable reason, and a message that says what is wrong and, if possible, how to fix it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(ImageferryError):
    """The same call may succeed later: after `retry_after_s` seconds, if that is known."""

    def __init__(self, reason: Reason, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after_s = retry_after_s


class UnreachableError(TransientError):
    """The source can't be reached at all, so no other call would succeed either."""


class ThrottledError(TransientError):
    """The source limits the request rate: slow down every call of this kind, then retry this one."""


class DeferredError(ImageferryError):
    """The source withholds this file for hours. Other files are not affected."""


class PermanentError(ImageferryError):
    """This file, folder or request will never succeed as it is."""


class RefusedRowError(PermanentError):
    """The catalog can't hold one of the rows that were to be written. Nothing was."""


class NotFoundError(PermanentError):
    """The source does not have the file or folder, or does not let us see it."""


class PageTokenError(PermanentError):
    """The source no longer accepts this page token: list the folder again from its first page."""


class BlockedError(ImageferryError):
    """No part of the job can continue until what the message names is fixed: the job waits."""


class NotPermittedError(BlockedError):
    """The credentials lack the permission for this call; calls of another kind may succeed."""


class UsageError(ImageferryError):
    """The request is not valid."""


class ConflictError(ImageferryError):
    """The request does not fit the present state."""


class KeyReusedError(UsageError):
    """An idempotency key was sent before with a different request."""


class FatalError(ImageferryError):
    """This process cannot run with its configuration."""
