"""`python -m benchmarks small`: one race, its table on stdout, its figures under benchmarks/results/; `suite`: many.

`python -m benchmarks catalog`: what lists of a million images cost.
"""

import argparse
import subprocess
import sys
from dataclasses import replace

from benchmarks import catalog, report
from benchmarks.network_sandbox import EnclaveError, enter
from benchmarks.runner import race
from benchmarks.scenarios import COURSES, SUITE


def main() -> int:
    """Race, inside an enclave, or measure the catalog; the process's exit code."""
    if sys.argv[1:2] == ["catalog"]:
        return catalog.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    titles = "; ".join(f"{name}: {course.title}" for name, course in COURSES.items())
    parser.add_argument("course", choices=[*COURSES, "suite"], help=f"{titles}; suite: {', '.join(SUITE)}")
    parser.add_argument("--rounds", type=int, help="of each contestant, in turn, instead of the course's own number")
    parser.add_argument("--files", type=int, help="instead of the course's own number")
    asked = parser.parse_args()
    if asked.course == "suite":
        # Each course has an enclave of its own.
        races = ([sys.executable, "-m", "benchmarks", name, *sys.argv[2:]] for name in SUITE)
        return max(subprocess.run(race, check=False).returncode for race in races)  # noqa: S603 - this program itself
    course = COURSES[asked.course]
    if asked.files:
        course = replace(course, files=asked.files)
    try:
        enter()
    except EnclaveError as exc:
        _tell(str(exc))
        return 2
    result = race(course, rounds=asked.rounds or course.rounds, tell=_tell)
    sys.stdout.write(report.table(result))
    _tell(f"Written to {report.save(asked.course, result)}")
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
