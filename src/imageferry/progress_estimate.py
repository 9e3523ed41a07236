"""How fast a job progresses, and an estimate of its remaining time as a range."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from imageferry.model import Job

WINDOW_S = 15.0
# With less data an estimate would jump about.
STABLE_AFTER_S = 4.0
SAMPLES_MIN = 4


class ProgressSample(Struct, frozen=True, kw_only=True):
    """The progress of a job at a time, in seconds of any clock."""

    at_s: float
    discovered: int
    processed: int
    bytes_transferred: int


class Estimate(Struct, frozen=True, kw_only=True):
    """The current rates, and the shortest and longest remaining time."""

    files_per_s: float
    bytes_per_s: float
    remaining_s: tuple[float, float] | None  # None: not known yet


def take_sample(job: Job, *, at_s: float) -> ProgressSample:
    """Return the present progress of a job."""
    return ProgressSample(
        at_s=at_s, discovered=job.discovered, processed=job.processed, bytes_transferred=job.bytes_transferred
    )


def estimate(job: Job, samples: Sequence[ProgressSample]) -> Estimate:
    """Estimate from a job's samples of the last seconds, oldest first."""
    if not samples or (span_s := samples[-1].at_s - samples[0].at_s) <= 0:
        return Estimate(files_per_s=0, bytes_per_s=0, remaining_s=None)
    first, last = samples[0], samples[-1]
    files_per_s = (last.processed - first.processed) / span_s
    return Estimate(
        files_per_s=files_per_s,
        bytes_per_s=(last.bytes_transferred - first.bytes_transferred) / span_s,
        remaining_s=_remaining_s(job, samples, span_s) if files_per_s > 0 else None,
    )


class Estimator:
    """Estimates from the last WINDOW_S seconds of one job."""

    def __init__(self) -> None:
        self._samples: deque[ProgressSample] = deque()

    def update(self, job: Job, *, at_s: float) -> Estimate:
        """Add the job as it is at a time, in seconds of a monotonic clock, and return the new estimate."""
        self._samples.append(take_sample(job, at_s=at_s))
        while len(self._samples) > SAMPLES_MIN and self._samples[0].at_s < at_s - WINDOW_S:
            self._samples.popleft()
        return estimate(job, list(self._samples))


def _remaining_s(job: Job, samples: Sequence[ProgressSample], span_s: float) -> tuple[float, float] | None:
    if job.open_folders or span_s < STABLE_AFTER_S or len(samples) < SAMPLES_MIN:
        return None
    middle = samples[len(samples) // 2]
    halves = ((samples[0], middle), (middle, samples[-1]))
    rates = [
        (b.processed - a.processed) / (b.at_s - a.at_s)
        for a, b in halves
        if b.at_s > a.at_s and b.processed > a.processed
    ]
    if not rates:
        return None
    remaining = job.discovered - job.processed
    return remaining / max(rates) * 0.9, remaining / min(rates) * 1.1
