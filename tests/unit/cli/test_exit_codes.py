"""Exit codes."""

import pytest

from imageferry.cli.exit_codes import ExitCode, exit_code_for_error, exit_code_for_job
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
from tests.drivers.jobs import make_completed_job, make_job


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([], ExitCode.SUCCESS),
        ([Reason.SOURCE_UNAVAILABLE, Reason.DOWNLOAD_QUOTA], ExitCode.RETRYABLE),
        ([Reason.SOURCE_UNAVAILABLE, Reason.FORBIDDEN], ExitCode.FAILURE),
    ],
)
def test_the_code_of_a_completed_job_depends_on_its_failures(failures: list[Reason], code: ExitCode) -> None:
    assert exit_code_for_job(make_completed_job(), failures=failures) is code


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        (JobState.FAILED, Reason.FOLDER_NOT_FOUND, ExitCode.NOT_FOUND),
        (JobState.FAILED, Reason.NOT_A_FOLDER_URL, ExitCode.USAGE),
        (JobState.FAILED, Reason.CREDENTIALS_REJECTED, ExitCode.FATAL),
        (JobState.FAILED, Reason.SOURCE_UNAVAILABLE, ExitCode.RETRYABLE),
        (JobState.WAITING, Reason.STORE_FULL, ExitCode.RETRYABLE),
        (JobState.WAITING, Reason.STORE_DENIED, ExitCode.FATAL),
        (JobState.CANCELLED, None, ExitCode.FAILURE),
    ],
)
def test_the_code_of_any_other_job_depends_on_its_reason(
    state: JobState, reason: Reason | None, code: ExitCode
) -> None:
    assert exit_code_for_job(make_job(state=state, reason=reason), failures=[]) is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError(Reason.NOT_A_FOLDER_URL, ""), ExitCode.USAGE),
        (NotFoundError(Reason.FOLDER_NOT_FOUND, ""), ExitCode.NOT_FOUND),
        (TransientError(Reason.SOURCE_UNAVAILABLE, ""), ExitCode.RETRYABLE),
        (BlockedError(Reason.STORE_FULL, ""), ExitCode.RETRYABLE),
        (BlockedError(Reason.CREDENTIALS_REJECTED, ""), ExitCode.FATAL),
        (FatalError(Reason.MISCONFIGURED, ""), ExitCode.FATAL),
    ],
)
def test_the_code_of_an_error_depends_on_its_kind(error: ImageferryError, code: ExitCode) -> None:
    assert exit_code_for_error(error) is code
