"""Measuring a process and its children with the system's accounting."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a finished process and its children used."""

    wall_s: float
    cpu_s: float  # user and system
    rss_mib: float  # the peak of its largest process
    output: str  # on stdout


class RunError(Exception):
    """A program failed, or did not do what was requested."""


def run(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout_s: float) -> Run:
    """Run a command to its end. Raises RunError when it fails or times out."""
    with (folder / "stdout").open("w+") as output, (folder / "stderr").open("w+") as errors:
        started_s = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, env=environment, cwd=folder, stdout=output, stderr=errors, start_new_session=True
        )
        timer = threading.Timer(timeout_s, os.killpg, [process.pid, signal.SIGKILL])
        timer.start()
        peak = _Peak(process.pid)
        peak.start()
        # Not Popen.wait, which does not return the resource usage.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started_s
        timer.cancel()
        peak.stopped.set()
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
    """Samples the peak RSS of a process group.

    The accounting of a finished process is no substitute: it includes this program's size at the fork.
    """

    def __init__(self, group_id: int) -> None:
        super().__init__(daemon=True)
        self._group_id = group_id
        self.stopped = threading.Event()
        self.mib = 0.0

    def run(self) -> None:
        """Sample until `stopped` is set."""
        while not self.stopped.wait(SAMPLE_EVERY_S):
            self.mib = max(self.mib, group_peak_mib(self._group_id))


def group_peak_mib(group_id: int) -> float:
    """Return the peak RSS of the largest process that is now in a group."""
    peak_kib = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if os.getpgid(int(status.parent.name)) == group_id:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
                peak_kib = max(peak_kib, int(fields.get("VmHWM", "0").split()[0]))
        except OSError:
            continue  # the process has just ended
    return peak_kib / 1024


def groups_cpu_s(group_ids: Collection[int]) -> float:
    """Return the user and system time that the processes of some groups have used so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has just ended
        if int(fields[2]) in group_ids:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
