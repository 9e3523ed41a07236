"""A race: contestants in turn, round by round, each time from the same start."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.competitors import Contestant, Imageferry, Rclone
from benchmarks.measure import Run, RunError, run
from benchmarks.scenarios import Course
from benchmarks.testbed import Arena, Asked, arena_for
from imageferry.demo.quota import UNITS_PER_MINUTE

RUN_S_MAX = 900.0
BURST_S = 5.0  # what the stand-in keeps of an unused quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Every counted run of a race, by contestant."""

    course: Course
    runs: dict[str, list[Run]]
    asked: dict[str, list[Asked]]  # of the stand-in, run by run
    late_s: float  # an answer of the source and one of the target, together, on the average; 0: at once

    def median(self, name: str, figure: str) -> float:
        """A contestant's median of one of Run's figures."""
        figures: list[float] = [getattr(run, figure) for run in self.runs[name]]
        return median(figures)

    def allowed(self, name: str) -> float | None:
        """How much of what the course allows a contestant used: of the concurrency, or of the quota; None: no bound.

        A quota that nobody used for a while has `BURST_S` seconds in store.
        """
        wall_s = self.median(name, "wall_s")
        course = self.course
        if course.quota_scale is not None:
            units = median(asked.units for asked in self.asked[name])
            return units / (UNITS_PER_MINUTE / 60 * course.quota_scale * (wall_s + BURST_S))
        if course.at_once is not None and self.late_s:
            return course.files / course.at_once * self.late_s / wall_s
        return None

    def refused(self, name: str) -> float:
        """The part of a contestant's calls that the source refused."""
        return median(asked.refused / max(sum(asked.calls.values()), 1) for asked in self.asked[name])

    def ratio(self, figure: str) -> float:
        """How many times ours goes into rclone's: above 1, ours is the smaller one."""
        return self.median("rclone", figure) / self.median("imageferry", figure)


def race(course: Course, *, rounds: int, tell: Callable[[str], None]) -> Result:
    """Run a race of so many rounds, after one that is not counted; RunError when a contestant fails."""
    contestants: list[Contestant] = [Imageferry(), Rclone()]
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    asked: dict[str, list[Asked]] = {contestant.name: [] for contestant in contestants}
    with arena_for(course) as arena:
        # A course whose time is the source's own, and long, needs nobody warm; an unchanged folder was brought once.
        for number in range(0 if course.quota_scale is None or course.again else 1, rounds + 1):
            # Whoever comes second finds the machine warmer: that is each one's turn in turn.
            for contestant in contestants if number % 2 else contestants[::-1]:
                arena.asked()
                measured = _run(contestant, arena)
                said = arena.asked()
                counted = f"round {number} of {rounds}" if number else "warm-up"
                tell(f"{counted}: {contestant.name} {measured.wall_s:.2f} s, {measured.cpu_s:.2f} s of CPU")
                if number:
                    runs[contestant.name].append(measured)
                    asked[contestant.name].append(said)
    return Result(course=course, runs=runs, asked=asked, late_s=sum(arena.delays_s))


def _run(contestant: Contestant, arena: Arena) -> Run:
    folder = arena.folder / contestant.name
    if not arena.course.again:
        shutil.rmtree(folder, ignore_errors=True)
        arena.clear()
    folder.mkdir(exist_ok=True)
    measured = run(
        contestant.command(arena),
        environment=contestant.environment(arena, folder=folder),
        folder=folder,
        timeout_s=RUN_S_MAX,
    )
    contestant.check(measured.output, arena)
    if not arena.holds_all(contestant.name):
        raise RunError(f"After {contestant.name} the target does not hold every file.")
    return measured
