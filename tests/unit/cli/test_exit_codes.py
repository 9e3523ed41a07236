"""Exit codes."""

import pytest

from imageferry.cli.exit_codes import Exit, of_error, of_job
from imageferry.errors import (
    BlockedError,
    FatalError,
    ImageferryError,
    NotFoundError,
    Reason,
    TransientError,
    UsageError,
)
from imageferry.model import JobState
from tests.drivers.jobs import ended, job


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([], Exit.DONE),
        ([Reason.SOURCE_UNAVAILABLE, Reason.DOWNLOAD_QUOTA], Exit.RETRYABLE),
        ([Reason.SOURCE_UNAVAILABLE, Reason.FORBIDDEN], Exit.OTHER),
    ],
)
def test_a_completed_job_tells_by_its_failures(failures: list[Reason], code: Exit) -> None:
    assert of_job(ended(), failures=failures) is code


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        (JobState.FAILED, Reason.FOLDER_NOT_FOUND, Exit.NOT_FOUND),
        (JobState.FAILED, Reason.NOT_A_FOLDER_URL, Exit.USAGE),
        (JobState.FAILED, Reason.CREDENTIALS_REJECTED, Exit.FATAL),
        (JobState.FAILED, Reason.SOURCE_UNAVAILABLE, Exit.RETRYABLE),
        (JobState.WAITING, Reason.STORE_FULL, Exit.RETRYABLE),
        (JobState.WAITING, Reason.STORE_DENIED, Exit.FATAL),
        (JobState.CANCELLED, None, Exit.OTHER),
    ],
)
def test_a_job_that_did_not_complete_tells_by_its_reason(state: JobState, reason: Reason | None, code: Exit) -> None:
    assert of_job(job(state=state, reason=reason), failures=[]) is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError(Reason.NOT_A_FOLDER_URL, ""), Exit.USAGE),
        (NotFoundError(Reason.FOLDER_NOT_FOUND, ""), Exit.NOT_FOUND),
        (TransientError(Reason.SOURCE_UNAVAILABLE, ""), Exit.RETRYABLE),
        (BlockedError(Reason.STORE_FULL, ""), Exit.RETRYABLE),
        (BlockedError(Reason.CREDENTIALS_REJECTED, ""), Exit.FATAL),
        (FatalError(Reason.MISCONFIGURED, ""), Exit.FATAL),
    ],
)
def test_an_error_tells_by_what_is_to_be_done(error: ImageferryError, code: Exit) -> None:
    assert of_error(error) is code
