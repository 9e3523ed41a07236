"""A race's result, as a table for people and as JSON to keep."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import imageferry
from benchmarks.runner import Result

RESULTS = Path(__file__).with_name("results")
_FIGURES = (("wall_s", "wall, s"), ("cpu_s", "CPU, s"), ("rss_mib", "peak RSS, MiB"))


def table(result: Result) -> str:
    """Medians side by side, and their ratios."""
    course = result.course
    rounds = len(result.runs["rclone"])
    lines = [
        f"{course.title}: {course.files:,} files of {course.size_bytes:,} bytes, medians of {rounds} rounds",
        f"{'':16}{'imageferry':>12}{'rclone':>12}{'rclone / imageferry':>22}",
    ]
    lines += [
        f"{title:16}{result.median('imageferry', name):12.2f}{result.median('rclone', name):12.2f}"
        f"{result.ratio(name):22.2f}"
        for name, title in _FIGURES
    ]
    shares = [share for name in ("imageferry", "rclone") if (share := result.allowed(name)) is not None]
    if shares:
        lines.append(f"{'used, %':16}" + "".join(f"{share * 100:12.1f}" for share in shares))
    if result.course.quota_scale is not None:
        lines.append(
            f"{'refused, %':16}" + "".join(f"{result.refused(n) * 100:12.2f}" for n in ("imageferry", "rclone"))
        )
    return "\n".join(lines) + "\n"


def save(name: str, result: Result) -> Path:
    """Write a race's result; where it stands."""
    facts = {
        "files": result.course.files,
        "size_bytes": result.course.size_bytes,
        "ratios": {figure: round(result.ratio(figure), 3) for figure, _ in _FIGURES},
        "used": {name: share and round(share, 4) for name in result.runs for share in [result.allowed(name)]},
        "late_s": round(result.late_s, 5),
        "refused": {name: round(result.refused(name), 5) for name in result.runs},
        "runs": {
            contestant: [
                {figure: round(value, 3) for figure, value in asdict(run).items() if figure != "output"} for run in runs
            ]
            for contestant, runs in result.runs.items()
        },
    }
    return keep(name, facts)


def keep(name: str, facts: Mapping[str, object]) -> Path:
    """Write what was measured, with the machine that it is true for and its load; where it stands."""
    now = datetime.now(UTC)
    told = {"course": name, "at": now.isoformat(timespec="seconds"), "machine": machine()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(told | {"load_at_the_end": os.getloadavg()[0]} | dict(facts), indent=2) + "\n")
    return path


def machine() -> dict[str, object]:
    """The facts of this machine that figures are true for."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return {
        "cpu": cpu.partition(": ")[2],
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "python_from": sys.base_prefix,  # whose build decides how fast it is
        "imageferry": imageferry.__version__,
        "rclone": _version(Path(sys.executable).with_name("rclone"), "version"),
        "nginx": _version(Path(shutil.which("nginx") or "nginx"), "-v"),
    }


def _version(program: Path, flag: str) -> str:
    told = subprocess.run([program, flag], check=True, capture_output=True, text=True, timeout=10)  # noqa: S603 - ours
    return (told.stdout + told.stderr).splitlines()[0]
