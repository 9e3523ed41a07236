"""The result of a benchmark, as a table and as JSON."""

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
    """Return a table of medians and ratios."""
    scenario = result.scenario
    rounds = len(result.runs["rclone"])
    lines = [
        f"{scenario.title}: {scenario.files:,} files of {scenario.size_bytes:,} bytes, medians of {rounds} rounds",
        f"{'':16}{'imageferry':>12}{'rclone':>12}{'rclone / imageferry':>22}",
    ]
    lines += [
        f"{title:16}{result.median('imageferry', name):12.2f}{result.median('rclone', name):12.2f}"
        f"{result.ratio(name):22.2f}"
        for name, title in _FIGURES
    ]
    used = [fraction for name in ("imageferry", "rclone") if (fraction := result.utilisation(name)) is not None]
    if used:
        lines.append(f"{'used, %':16}" + "".join(f"{fraction * 100:12.1f}" for fraction in used))
    if result.scenario.is_served_by_test_server:
        lines.append(
            f"{'rejected, %':16}"
            + "".join(f"{result.rejected_fraction(n) * 100:12.2f}" for n in ("imageferry", "rclone"))
        )
    return "\n".join(lines) + "\n"


def save_result(name: str, result: Result) -> Path:
    """Save the result of a benchmark. Return the path."""
    facts = {
        "files": result.scenario.files,
        "size_bytes": result.scenario.size_bytes,
        "ratios": {figure: round(result.ratio(figure), 3) for figure, _ in _FIGURES},
        "used": {name: used and round(used, 4) for name in result.runs for used in [result.utilisation(name)]},
        "latency_s": round(result.latency_s, 5),
        "rejected": {name: round(result.rejected_fraction(name), 5) for name in result.runs},
        "runs": {
            competitor: [
                {figure: round(value, 3) for figure, value in asdict(run).items() if figure != "output"} for run in runs
            ]
            for competitor, runs in result.runs.items()
        },
    }
    return save_facts(name, facts)


def save_facts(name: str, facts: Mapping[str, object]) -> Path:
    """Save facts as JSON, with a description of the machine and its load. Return the path."""
    now = datetime.now(UTC)
    header = {"scenario": name, "at": now.isoformat(timespec="seconds"), "machine": machine()}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(header | {"load_at_the_end": os.getloadavg()[0]} | dict(facts), indent=2) + "\n")
    return path


def machine() -> dict[str, object]:
    """Describe this machine and the program versions."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return {
        "cpu": cpu.partition(": ")[2],
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "python_from": sys.base_prefix,  # the build affects its speed
        "imageferry": imageferry.__version__,
        "rclone": _version(Path(sys.executable).with_name("rclone"), "version"),
        "nginx": _version(Path(shutil.which("nginx") or "nginx"), "-v"),
    }


def _version(program: Path, flag: str) -> str:
    result = subprocess.run([program, flag], check=True, capture_output=True, text=True, timeout=10)  # noqa: S603 - our own arguments
    return (result.stdout + result.stderr).splitlines()[0]
