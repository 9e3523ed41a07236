"""How long a command watches a job that waits."""

import time

from imageferry.errors import Mender
from imageferry.model import Job, JobState


class Patience:
    """A waiting job is watched for a bounded time, and not at all when a person must act."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_s = time.monotonic()
        self._processed = -1

    def ends(self, job: Job) -> bool:
        """True: the job has stood still for too long."""
        if job.processed != self._processed:
            self._processed, self._since_s = job.processed, time.monotonic()
        if job.state is not JobState.WAITING or job.reason is None:
            return False
        return job.reason.mender is not Mender.LATER or time.monotonic() - self._since_s > self._limit_s
