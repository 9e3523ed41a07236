"""`python -m benchmarks small`: one race, its table on stdout and its figures under benchmarks/results/."""

import argparse
import sys
from dataclasses import replace

from benchmarks import report
from benchmarks.courses import COURSES
from benchmarks.enclave import EnclaveError, enter
from benchmarks.race import race


def main() -> int:
    """Race, inside an enclave; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("course", choices=COURSES, help="; ".join(f"{n}: {c.title}" for n, c in COURSES.items()))
    parser.add_argument("--rounds", type=int, default=5, help="of each contestant, in turn (default: 5)")
    parser.add_argument("--files", type=int, help="instead of the course's own number")
    asked = parser.parse_args()
    course = COURSES[asked.course]
    if asked.files:
        course = replace(course, files=asked.files)
    try:
        enter()
    except EnclaveError as exc:
        _tell(str(exc))
        return 2
    result = race(course, rounds=asked.rounds, tell=_tell)
    sys.stdout.write(report.table(result))
    _tell(f"Written to {report.save(asked.course, result)}")
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
