"""How long to watch a job that waits for its source or store."""

import time

from imageferry.errors import FixBy
from imageferry.model import Job, JobState


class WaitLimit:
    """Gives up on a waiting job after `limit_s` without progress, and at once when a person has to act."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._progress_at_s = time.monotonic()
        self._processed = -1

    def is_exceeded(self, job: Job) -> bool:
        """Return whether to stop watching the job; call this on every poll."""
        if job.processed != self._processed:
            self._processed, self._progress_at_s = job.processed, time.monotonic()
        if job.state is not JobState.WAITING or job.reason is None:
            return False
        return job.reason.fix_by is not FixBy.LATER or time.monotonic() - self._progress_at_s > self._limit_s
