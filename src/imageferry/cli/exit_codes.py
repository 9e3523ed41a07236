"""Exit codes, for scripts."""

from collections.abc import Collection
from enum import IntEnum

from imageferry.application.results import ImportResult
from imageferry.errors import (
    BlockedError,
    ConflictError,
    FixBy,
    ImageferryError,
    NotFoundError,
    Reason,
    TransientError,
    UsageError,
)
from imageferry.model import Job, JobState


class ExitCode(IntEnum):
    """How a command ended."""

    SUCCESS = 0  # every file was stored, or skipped on purpose
    FAILURE = 1  # some files failed permanently
    USAGE = 2  # the arguments are not valid
    NOT_FOUND = 3  # the folder doesn't exist, or isn't shared
    RETRYABLE = 5  # the same command may succeed later
    FATAL = 7  # something must be fixed first
    INTERRUPTED = 130  # Ctrl-C


def exit_code_for_error(error: ImageferryError) -> ExitCode:
    """Return the exit code of a command that an error ended."""
    match error:
        case UsageError() | ConflictError():
            return ExitCode.USAGE
        case NotFoundError():
            return ExitCode.NOT_FOUND
        case TransientError():
            return ExitCode.RETRYABLE
        case BlockedError():
            return _exit_code_for_reason(error.reason)
        case _:
            return ExitCode.FATAL


def exit_code_for_result(result: ImportResult) -> ExitCode:
    """Return the exit code of a command that imported a folder or worked on a job."""
    return ExitCode.INTERRUPTED if result.interrupted else exit_code_for_job(result.job, failures=result.failures)


def exit_code_for_job(job: Job, *, failures: Collection[Reason]) -> ExitCode:
    """Return the exit code for a job that finished, or that is left waiting."""
    if job.state is JobState.COMPLETED:
        if not failures:
            return ExitCode.SUCCESS
        return ExitCode.RETRYABLE if all(reason.fix_by is FixBy.LATER for reason in failures) else ExitCode.FAILURE
    if job.reason is Reason.FOLDER_NOT_FOUND:
        return ExitCode.NOT_FOUND
    if job.reason is Reason.NOT_A_FOLDER_URL:
        return ExitCode.USAGE
    return ExitCode.FAILURE if job.reason is None else _exit_code_for_reason(job.reason)


def _exit_code_for_reason(reason: Reason) -> ExitCode:
    # After a full disk the same command succeeds once there is space.
    return ExitCode.RETRYABLE if reason.fix_by is FixBy.LATER or reason is Reason.STORE_FULL else ExitCode.FATAL
