"""Exit codes: what scripts can tell by."""

from collections.abc import Collection
from enum import IntEnum

from imageferry.errors import (
    BlockedError,
    ConflictError,
    ImageferryError,
    Mender,
    NotFoundError,
    Reason,
    TransientError,
    UsageError,
)
from imageferry.model import Job, JobState


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0  # every file is stored, or skipped on purpose
    OTHER = 1  # some files failed for good
    USAGE = 2  # what was asked for cannot be understood
    NOT_FOUND = 3  # the source has no such folder, or does not show it
    RETRYABLE = 5  # the same command may succeed later
    FATAL = 7  # something must be mended first
    INTERRUPTED = 130  # Ctrl-C


def of_error(error: ImageferryError) -> Exit:
    """The code for an error that ends a command."""
    match error:
        case UsageError() | ConflictError():
            return Exit.USAGE
        case NotFoundError():
            return Exit.NOT_FOUND
        case TransientError():
            return Exit.RETRYABLE
        case BlockedError():
            return _of_reason(error.reason)
        case _:
            return Exit.FATAL


def of_job(job: Job, *, failures: Collection[Reason]) -> Exit:
    """The code for a job that ended, or that waits and is left waiting."""
    if job.state is JobState.COMPLETED:
        if not failures:
            return Exit.DONE
        return Exit.RETRYABLE if all(reason.mender is Mender.LATER for reason in failures) else Exit.OTHER
    if job.reason is Reason.FOLDER_NOT_FOUND:
        return Exit.NOT_FOUND
    if job.reason is Reason.NOT_A_FOLDER_URL:
        return Exit.USAGE
    return Exit.OTHER if job.reason is None else _of_reason(job.reason)


def _of_reason(reason: Reason) -> Exit:
    # A full disk needs no other command, only room.
    return Exit.RETRYABLE if reason.mender is Mender.LATER or reason is Reason.STORE_FULL else Exit.FATAL
