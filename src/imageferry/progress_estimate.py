"""How fast a job goes, and how long it will take: a range, or nothing while it cannot be told."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from imageferry.model import Job

WINDOW_S = 15.0
# Below this much experience an estimate would jump about.
STABLE_AFTER_S = 4.0
SAMPLES_MIN = 4


class Sample(Struct, frozen=True, kw_only=True):
    """How far a job was at a moment, in seconds of whatever clock."""

    at_s: float
    discovered: int
    processed: int
    bytes_moved: int


class Estimate(Struct, frozen=True, kw_only=True):
    """The present rates, and the range of the time that is left."""

    files_s: float
    bytes_s: float
    left_s: tuple[float, float] | None  # None: not known yet


def sample(job: Job, *, at_s: float) -> Sample:
    """How far a job is."""
    return Sample(at_s=at_s, discovered=job.discovered, processed=job.processed, bytes_moved=job.bytes_moved)


def estimate(job: Job, samples: Sequence[Sample]) -> Estimate:
    """What the samples of the last seconds, in their order, tell of a job."""
    if not samples or (span_s := samples[-1].at_s - samples[0].at_s) <= 0:
        return Estimate(files_s=0, bytes_s=0, left_s=None)
    first, last = samples[0], samples[-1]
    files_s = (last.processed - first.processed) / span_s
    return Estimate(
        files_s=files_s,
        bytes_s=(last.bytes_moved - first.bytes_moved) / span_s,
        left_s=_left_s(job, samples, span_s) if files_s > 0 else None,
    )


class Estimator:
    """Watches a job; give it each sight of the job with the time in seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def see(self, job: Job, *, at_s: float) -> Estimate:
        """What the last seconds tell."""
        self._samples.append(sample(job, at_s=at_s))
        while len(self._samples) > SAMPLES_MIN and self._samples[0].at_s < at_s - WINDOW_S:
            self._samples.popleft()
        return estimate(job, list(self._samples))


def _left_s(job: Job, samples: Sequence[Sample], span_s: float) -> tuple[float, float] | None:
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
    left = job.discovered - job.processed
    return left / max(rates) * 0.9, left / min(rates) * 1.1
