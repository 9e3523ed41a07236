"""Running a benchmark: the programs alternate, round by round, from the same initial state."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.competitors import Competitor, Imageferry, Rclone
from benchmarks.measure import Run, RunError, run
from benchmarks.scenarios import Scenario
from benchmarks.testbed import SourceCalls, Testbed, open_testbed
from imageferry.demo.quota import UNITS_PER_MINUTE

RUN_S_MAX = 900.0
BURST_S = 5.0  # burst of the test Drive server's quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All counted runs of a benchmark, by program."""

    scenario: Scenario
    runs: dict[str, list[Run]]
    source_calls: dict[str, list[SourceCalls]]  # per run
    latency_s: float  # mean of a response of the source plus one of the target; 0: none

    def median(self, name: str, figure: str) -> float:
        """Return a program's median of a field of Run."""
        figures: list[float] = [getattr(run, figure) for run in self.runs[name]]
        return median(figures)

    def utilisation(self, name: str) -> float | None:
        """Return the fraction of the quota or of the concurrency that a program used; None: unlimited.

        An idle quota accumulates `BURST_S` seconds.
        """
        wall_s = self.median(name, "wall_s")
        scenario = self.scenario
        if scenario.quota_scale is not None:
            units = median(calls.units for calls in self.source_calls[name])
            return units / (UNITS_PER_MINUTE / 60 * scenario.quota_scale * (wall_s + BURST_S))
        if scenario.concurrency is not None and self.latency_s:
            return scenario.files / scenario.concurrency * self.latency_s / wall_s
        return None

    def rejected_fraction(self, name: str) -> float:
        """Return the fraction of a program's calls that the source rejected."""
        return median(calls.rejected / max(sum(calls.calls.values()), 1) for calls in self.source_calls[name])

    def ratio(self, figure: str) -> float:
        """Return rclone's median divided by imageferry's: above 1, imageferry's is smaller."""
        return self.median("rclone", figure) / self.median("imageferry", figure)


def run_benchmark(scenario: Scenario, *, rounds: int, report_progress: Callable[[str], None]) -> Result:
    """Run a scenario for `rounds` rounds after a warm-up. Raises RunError when a program fails."""
    competitors: list[Competitor] = [Imageferry(), Rclone()]
    runs: dict[str, list[Run]] = {competitor.name: [] for competitor in competitors}
    source_calls: dict[str, list[SourceCalls]] = {competitor.name: [] for competitor in competitors}
    with open_testbed(scenario) as testbed:
        # No warm-up where the quota decides the time. An unchanged folder needs one to fill the target.
        for number in range(1 if scenario.is_served_by_test_server and not scenario.is_unchanged else 0, rounds + 1):
            # The second program finds a warmer machine, so the order alternates.
            for competitor in competitors if number % 2 else competitors[::-1]:
                testbed.take_source_calls()
                measured = _run(competitor, testbed)
                calls = testbed.take_source_calls()
                label = f"round {number} of {rounds}" if number else "warm-up"
                report_progress(f"{label}: {competitor.name} {measured.wall_s:.2f} s, {measured.cpu_s:.2f} s of CPU")
                if number:
                    runs[competitor.name].append(measured)
                    source_calls[competitor.name].append(calls)
    return Result(scenario=scenario, runs=runs, source_calls=source_calls, latency_s=sum(testbed.latencies_s))


def _run(competitor: Competitor, testbed: Testbed) -> Run:
    folder = testbed.folder / competitor.name
    if not testbed.scenario.is_unchanged:
        shutil.rmtree(folder, ignore_errors=True)
        testbed.clear()
    folder.mkdir(exist_ok=True)
    measured = run(
        competitor.command(testbed),
        environment=competitor.environment(testbed, folder=folder),
        folder=folder,
        timeout_s=RUN_S_MAX,
    )
    competitor.check(measured.output, testbed)
    if not testbed.has_all_files(competitor.name):
        raise RunError(f"After {competitor.name}, files are missing in the target.")
    return measured
