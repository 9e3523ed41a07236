"""Tells refusals that have nothing to do with our own rate from those of a limit.

Others who use the same key, or a busy source, have calls refused at random: with the same probability whatever our
rate. A limit refuses fewer calls when they are made more slowly. So calls are made more slowly for a moment, a trial,
and the shares of refused calls before and in it are compared.
"""

import math
from enum import Enum
from typing import Self

from msgspec import Struct

# Evidence is the logarithm of a likelihood ratio.
EXCESS_EVIDENCE = 10.0  # reached by chance once in tens of thousands of calls
LIMIT_EVIDENCE, RANDOM_EVIDENCE = 3.0, -2.0  # of the verdict on a trial
# A verdict of "random" needs this much of a trial, so that the share is known and what others began at the same time,
# such as the other workers of a job, is over.
TRIAL_S_MIN, TRIAL_S_MAX = 1.0, 5.0
TRIAL_CALLS_MIN = 30
TRIAL_REFUSED_MIN = 2
MANY_REFUSED = 5
TRIAL_CALLS_MAX = 400
BELOW_LIMIT = 0.0005  # what is refused at a rate well below a limit
BACKGROUND_MIN, BACKGROUND_MAX = 0.001, 0.5
MEMORY_CALLS = 1_000
BACKGROUND_CALLS = 400


class Counts(Struct):
    """Calls, and how many of them were refused."""

    calls: float = 0
    refused: float = 0

    def add(self, *, refused: bool) -> None:
        """Count a call. Older ones lose weight."""
        if self.calls >= MEMORY_CALLS:
            self.calls /= 2
            self.refused /= 2
        self.calls += 1
        self.refused += refused

    def at_most(self, calls: int) -> "Counts":
        """Return the same share of at most so many calls."""
        scale = min(calls / self.calls, 1) if self.calls else 1
        return Counts(calls=self.calls * scale, refused=self.refused * scale)

    def at_share(self, share: float) -> "Counts":
        """Return as many calls with another share."""
        return Counts(calls=self.calls, refused=self.calls * share)

    def __add__(self, other: Self) -> "Counts":
        return Counts(calls=self.calls + other.calls, refused=self.refused + other.refused)

    @property
    def share(self) -> float:
        """The share of refused calls."""
        return self.refused / self.calls if self.calls else 0.0

    @property
    def share_max(self) -> float:
        """The largest share that is likely: a standard deviation above the share."""
        return min((self.refused + math.sqrt(self.refused) + 1) / max(self.calls, 1), BACKGROUND_MAX)

    def log_likelihood(self, share: float) -> float:
        """Return how likely the counts are when this share of calls is refused."""
        permitted = self.calls - self.refused
        return (self.refused and self.refused * math.log(share)) + (permitted and permitted * math.log1p(-share))


class ExcessDetector:
    """Detects that more calls are refused than usual: slightly more for long, or nearly all at once (CUSUM)."""

    def __init__(self, usual: float) -> None:
        self._evidence = [0.0, 0.0]
        self._weights = [_weights(usual, share) for share in (usual + (1 - usual) * max(0.05, usual / 2), 0.95)]

    def add(self, *, refused: bool) -> bool:
        """Count a call. Return whether more calls are refused than usual."""
        for index, weights in enumerate(self._weights):
            self._evidence[index] = max(self._evidence[index] + weights[refused], 0.0)
        return max(self._evidence) >= EXCESS_EVIDENCE


def _weights(usual: float, share: float) -> tuple[float, float]:
    """Return the evidence of a permitted and of a refused call that this share is refused, not the usual one."""
    if not usual:
        return -math.inf, math.inf
    return math.log((1 - share) / (1 - usual)), math.log(share / usual)


class Verdict(Enum):
    """What a trial found out."""

    LIMIT = "limit"  # slowing down helps
    RANDOM = "random"  # it does not
    EXCESS = "excess"  # far more calls are refused than before


class RefusalJudge:
    """Counts calls and their refusals, and judges them. Knows no time."""

    def __init__(self) -> None:
        self.background = Counts()  # calls that were refused, or not, whatever the rate
        self._fast = Counts()
        self.trial = Counts()
        self._slowdown = 1.0
        self._detector = ExcessDetector(0.0)

    @property
    def is_random(self) -> bool:
        """Whether calls are refused at random."""
        return self.background.refused > 0

    def start_series(self) -> None:
        """Forget the calls before a refusal that may have a cause."""
        self._fast = Counts()

    def restart(self) -> None:
        """Expect no more refusals than in the background from now on."""
        self._detector = ExcessDetector(self.background.share_max if self.is_random else 0.0)

    def add(self, *, refused: bool) -> bool:
        """Count a call at the usual rate. Return whether too many calls are refused."""
        is_excess = self._detector.add(refused=refused)
        if not is_excess:
            self.add_in_flight(refused=refused)
        return is_excess

    def add_in_flight(self, *, refused: bool) -> None:
        """Count a call at the usual rate, made before the rate was lowered."""
        self._fast.add(refused=refused)

    @property
    def permitted_share(self) -> float:
        """The share of permitted calls at the usual rate."""
        return 1 - self._fast.share

    def start_trial(self, *, slowdown: float) -> None:
        """From now on, count calls at `slowdown` times the usual rate."""
        self.trial = Counts()
        self._slowdown = slowdown
        self._detector = ExcessDetector(self._fast.share_max)

    def add_to_trial(self, *, refused: bool, lasted_s: float) -> Verdict | None:
        """Count a call at the lower rate, after so much of the trial. Return the verdict if there is one."""
        trial = self.trial
        trial.add(refused=refused)
        if self._detector.add(refused=refused):
            return Verdict.EXCESS
        is_last = lasted_s >= TRIAL_S_MAX or trial.calls >= TRIAL_CALLS_MAX
        is_known = lasted_s >= TRIAL_S_MIN and trial.calls >= TRIAL_CALLS_MIN and trial.refused >= TRIAL_REFUSED_MIN
        evidence = self._evidence_of_limit()
        if evidence >= (0 if is_last else LIMIT_EVIDENCE):
            return Verdict.LIMIT
        return Verdict.RANDOM if is_last or (is_known and evidence <= RANDOM_EVIDENCE) else None

    def end_trial(self, verdict: Verdict) -> None:
        """Use what a trial found out."""
        if verdict is Verdict.RANDOM:
            # Of the calls before, a limit may have refused some.
            earlier = min(
                self.background if self.is_random else self._fast, self._fast, key=lambda counts: counts.share
            )
            self.background = earlier.at_most(BACKGROUND_CALLS) + self.trial
        elif self.trial.share_max < self.background.share:
            is_known = self.trial.calls >= TRIAL_CALLS_MIN
            self.background = self.trial if is_known else self.trial.at_share(self.trial.share_max)
        if self.background.share_max < BACKGROUND_MIN or self.background.share > BACKGROUND_MAX:
            self.background = Counts()
        self._fast = Counts()
        self.restart()

    def stop_being_random(self) -> bool:
        """Return whether calls are no longer refused at random."""
        if self._fast.share_max >= BACKGROUND_MIN:
            return False
        self.background = Counts()
        self.restart()
        return True

    def _evidence_of_limit(self) -> float:
        """Return the evidence that fewer calls are refused at the lower rate; negative: as many."""
        fast, slow = self._fast, self.trial
        below = max(BELOW_LIMIT, 1 - (1 - fast.share) / self._slowdown)
        if fast.refused >= MANY_REFUSED:
            below = max(below, fast.share / 2)  # the lower rate may still be above the limit
        below = min(below, BACKGROUND_MAX)
        if slow.share >= fast.share:
            return slow.log_likelihood(min(slow.share, below)) - slow.log_likelihood(slow.share)
        both = fast + slow
        by_limit = fast.log_likelihood(fast.share) + slow.log_likelihood(min(slow.share, below))
        return by_limit - both.log_likelihood(both.share)
