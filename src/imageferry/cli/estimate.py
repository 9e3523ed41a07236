"""How fast an import goes, and how long it will take: a range, or nothing while it cannot be told."""

from collections import deque
from dataclasses import dataclass

from imageferry.model import Job

WINDOW_S = 15.0
# Below this much experience an estimate would jump about.
STABLE_AFTER_S = 4.0
SAMPLES_MIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The present rates, and the range of the time that is left."""

    files_s: float
    bytes_s: float
    left_s: tuple[float, float] | None  # None: not known yet


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    files: int
    size_bytes: int


class Estimator:
    """Watches a job; give it each sight of the job with the time in seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def see(self, job: Job, *, at_s: float) -> Estimate:
        """What the last seconds tell."""
        self._samples.append(_Sample(at_s, job.processed, job.bytes_stored))
        while len(self._samples) > SAMPLES_MIN and self._samples[0].at_s < at_s - WINDOW_S:
            self._samples.popleft()
        first, last = self._samples[0], self._samples[-1]
        span_s = last.at_s - first.at_s
        if span_s <= 0:
            return Estimate(files_s=0, bytes_s=0, left_s=None)
        files_s = (last.files - first.files) / span_s
        return Estimate(
            files_s=files_s,
            bytes_s=(last.size_bytes - first.size_bytes) / span_s,
            left_s=self._left_s(job, span_s) if files_s > 0 else None,
        )

    def _left_s(self, job: Job, span_s: float) -> tuple[float, float] | None:
        if job.open_folders or span_s < STABLE_AFTER_S or len(self._samples) < SAMPLES_MIN:
            return None
        samples = list(self._samples)
        middle = samples[len(samples) // 2]
        halves = ((samples[0], middle), (middle, samples[-1]))
        rates = [(b.files - a.files) / (b.at_s - a.at_s) for a, b in halves if b.at_s > a.at_s and b.files > a.files]
        if not rates:
            return None
        left = job.discovered - job.processed
        return left / max(rates) * 0.9, left / min(rates) * 1.1
