"""A race: contestants in turn, round by round, each time from the same start."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.arena import Arena, arena_for
from benchmarks.contestants import Contestant, Imageferry, Rclone
from benchmarks.courses import Course
from benchmarks.measure import Run, RunError, run

RUN_S_MAX = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Every counted run of a race, by contestant."""

    course: Course
    runs: dict[str, list[Run]]

    def median(self, name: str, figure: str) -> float:
        """A contestant's median of one of Run's figures."""
        figures: list[float] = [getattr(run, figure) for run in self.runs[name]]
        return median(figures)

    def ratio(self, figure: str) -> float:
        """How many times ours goes into rclone's: above 1, ours is the smaller one."""
        return self.median("rclone", figure) / self.median("imageferry", figure)


def race(course: Course, *, rounds: int, tell: Callable[[str], None]) -> Result:
    """Run a race of so many rounds, after one that is not counted; RunError when a contestant fails."""
    contestants: list[Contestant] = [Imageferry(), Rclone()]
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    with arena_for(course) as arena:
        for number in range(rounds + 1):
            # Whoever comes second finds the machine warmer: that is each one's turn in turn.
            for contestant in contestants if number % 2 else contestants[::-1]:
                measured = _run(contestant, arena)
                counted = f"round {number} of {rounds}" if number else "warm-up"
                tell(f"{counted}: {contestant.name} {measured.wall_s:.2f} s, {measured.cpu_s:.2f} s of CPU")
                if number:
                    runs[contestant.name].append(measured)
    return Result(course=course, runs=runs)


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
