"""One process, measured from outside by what the system accounts to it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_S = 0.05


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
        process = subprocess.Popen(  # noqa: S603 - ours
            command, env=environment, cwd=folder, stdout=output, stderr=errors, start_new_session=True
        )
        timer = threading.Timer(timeout_s, os.killpg, [process.pid, signal.SIGKILL])
        timer.start()
        peak = _Peak(process.pid)
        peak.start()
        # Not Popen.wait, which does not tell what the process used.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        timer.cancel()
        peak.over.set()
        peak.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RunError(f"{command[0]} ended with {process.returncode}: {errors.read()[-2000:]}")
        return Run(
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_mib=peak.mib,
            output=output.read(),
        )


class _Peak(threading.Thread):
    """Looks again and again how large the processes of a group have been.

    What the system accounts to a process that has ended is at least what this program held when it started it.
    """

    def __init__(self, group_id: int) -> None:
        super().__init__(daemon=True)
        self._group_id = group_id
        self.over = threading.Event()
        self.mib = 0.0

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(LOOK_EVERY_S):
            self.mib = max(self.mib, group_peak_mib(self._group_id))


def group_peak_mib(group_id: int) -> float:
    """The peak RSS of the largest process that a group has now."""
    peak_kib = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if os.getpgid(int(status.parent.name)) == group_id:
                told = dict(line.split(":", 1) for line in status.read_text().splitlines())
                peak_kib = max(peak_kib, int(told.get("VmHWM", "0").split()[0]))
        except OSError:
            continue  # it has just ended
    return peak_kib / 1024


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
