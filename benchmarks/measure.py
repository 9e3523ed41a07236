"""One process, measured from outside by what the system accounts to it."""

import os
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a process that ended took, its children included."""

    wall_s: float
    cpu_s: float  # user and system
    rss_mib: float  # the peak of its largest process
    output: str  # on stdout


class RunError(Exception):
    """A contestant did not finish, or not with what was asked for."""


def run(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout_s: float) -> Run:
    """Run a command to its end; RunError when it fails or takes longer."""
    with (folder / "stdout").open("w+") as output, (folder / "stderr").open("w+") as errors:
        began_s = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=errors)  # noqa: S603 - ours
        timer = threading.Timer(timeout_s, process.kill)
        timer.start()
        # Not Popen.wait, which does not tell what the process used.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RunError(f"{command[0]} ended with {process.returncode}: {errors.read()[-2000:]}")
        return Run(
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_mib=usage.ru_maxrss / 1024,
            output=output.read(),
        )


def groups_cpu_s(group_ids: Collection[int]) -> float:
    """What all processes of some process groups have used so far, in user and system time."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) in group_ids:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
