"""How long a command follows a waiting job."""

import pytest

from imageferry.application.wait_limit import WaitLimit
from imageferry.errors import Reason
from imageferry.model import JobState
from tests.drivers.jobs import make_job


@pytest.mark.parametrize(
    ("state", "reason", "limit_s", "is_exceeded"),
    [
        (JobState.RUNNING, None, 0, False),
        (JobState.WAITING, Reason.STORE_UNAVAILABLE, 3600, False),
        (JobState.WAITING, Reason.STORE_UNAVAILABLE, -1, True),
        (JobState.WAITING, Reason.CREDENTIALS_REJECTED, 3600, True),  # a person has to act
    ],
)
def test_only_a_job_that_waits_too_long_or_for_a_person_is_abandoned(
    state: JobState, reason: Reason | None, limit_s: float, *, is_exceeded: bool
) -> None:
    assert WaitLimit(limit_s).is_exceeded(make_job(state=state, reason=reason)) is is_exceeded
