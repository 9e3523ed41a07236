"""Benchmarks against rclone: `python -m benchmarks small` runs one scenario, `python -m benchmarks suite` several.

Prints a table and saves the figures under benchmarks/results/. `python -m benchmarks catalog` measures lists of a
million images.
"""

import argparse
import subprocess
import sys
from dataclasses import replace

from benchmarks import catalog, report
from benchmarks.network_sandbox import SandboxError, enter
from benchmarks.runner import run_benchmark
from benchmarks.scenarios import SCENARIOS, SUITE


def main() -> int:
    """Run a scenario in a network sandbox, or the benchmark of the catalog. Return the exit code."""
    if sys.argv[1:2] == ["catalog"]:
        return catalog.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    titles = "; ".join(f"{name}: {scenario.title}" for name, scenario in SCENARIOS.items())
    parser.add_argument("scenario", choices=[*SCENARIOS, "suite"], help=f"{titles}; suite: {', '.join(SUITE)}")
    parser.add_argument("--rounds", type=int, help="rounds for each program (default: the scenario's)")
    parser.add_argument("--files", type=int, help="number of files (default: the scenario's)")
    arguments = parser.parse_args()
    if arguments.scenario == "suite":
        # Each scenario has a sandbox of its own.
        commands = ([sys.executable, "-m", "benchmarks", name, *sys.argv[2:]] for name in SUITE)
        return max(subprocess.run(command, check=False).returncode for command in commands)  # noqa: S603 - this program itself
    scenario = SCENARIOS[arguments.scenario]
    if arguments.files:
        scenario = replace(scenario, files=arguments.files)
    try:
        enter()
    except SandboxError as exc:
        _report(str(exc))
        return 2
    result = run_benchmark(scenario, rounds=arguments.rounds or scenario.rounds, report_progress=_report)
    sys.stdout.write(report.table(result))
    _report(f"Written to {report.save_result(arguments.scenario, result)}")
    return 0


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
