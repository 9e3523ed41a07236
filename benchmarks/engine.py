"""`python -m benchmarks.engine`: the scenario `small` over each broker with PostgreSQL, and with the local engine."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from tests.servers.brokers import BROKER_KINDS, open_broker
from tests.servers.databases import database
from tests.servers.ports import free_port

from benchmarks.competitors import Imageferry
from benchmarks.measure import RunError, group_peak_mib, groups_cpu_s, run
from benchmarks.report import save_facts
from benchmarks.scenarios import SCENARIOS
from benchmarks.testbed import Testbed, open_testbed

LOCAL = "local"
PROCESSES = 2  # of the worker, each with all roles
RUN_S_MAX = 900.0
# Worker processes open their connections after the worker reports that it is ready.
READY_S_MAX, SETTLE_S = 60.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One import, including the start of the command but not that of the workers."""

    wall_s: float
    cpu_s: float  # of the command and of the workers
    rss_mib: float  # the peak of the largest process


def main() -> int:
    """Measure every engine in turn. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=SCENARIOS["small"].files)
    parser.add_argument("--brokers", nargs="+", choices=BROKER_KINDS, default=list(BROKER_KINDS))
    arguments = parser.parse_args()
    runs: dict[str, list[Run]] = {kind: [] for kind in (LOCAL, *arguments.brokers)}
    scenario = replace(SCENARIOS["small"], files=arguments.files)
    with open_testbed(scenario, host="localhost", source_port=free_port(), target_port=free_port()) as testbed:
        for _ in range(arguments.rounds):
            for kind, done in runs.items():
                done.append(_run(testbed, kind))
                sys.stderr.write(f"{kind}: {done[-1].wall_s:.2f} s, {done[-1].cpu_s:.2f} s of CPU\n")
    us_per_file = {kind: median(each.cpu_s for each in done) / scenario.files * 1e6 for kind, done in runs.items()}
    for kind, us in us_per_file.items():
        sys.stdout.write(f"{kind:10}{us:8.0f} us of CPU per file{us / us_per_file[LOCAL]:8.2f} of the local engine's\n")
    _save(runs, files=scenario.files, us_per_file=us_per_file)
    return 0


def _run(testbed: Testbed, kind: str) -> Run:
    testbed.clear()
    folder = testbed.folder / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    competitor = Imageferry()
    environment = {**competitor.environment(testbed, folder=folder), "GOOGLE_DRIVE_ENDPOINT": testbed.source_url}
    with _workers(kind, environment, folder=folder) as (shared, group_ids):
        before_s = groups_cpu_s(group_ids)
        command = competitor.command(testbed)
        measured = run(command, environment=environment | shared, folder=folder, timeout_s=RUN_S_MAX)
        workers_s = groups_cpu_s(group_ids) - before_s
        rss_mib = max([measured.rss_mib, *map(group_peak_mib, group_ids)])
    competitor.check(measured.output, testbed)
    if not testbed.has_all_files(competitor.name):
        raise RunError(f"After {kind} files are missing in the target.")
    return Run(wall_s=measured.wall_s, cpu_s=measured.cpu_s + workers_s, rss_mib=rss_mib)


@contextmanager
def _workers(kind: str, environment: Mapping[str, str], *, folder: Path) -> Iterator[tuple[dict[str, str], set[int]]]:
    """Start the workers; yield the environment that the command shares with them, and their process groups."""
    if kind == LOCAL:
        yield {}, set()
        return
    with database("postgresql", folder) as database_url, open_broker(kind) as queues:
        shared = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": queues.url,
            "IMAGEFERRY_QUEUE_PREFIX": queues.prefix,
            "IMAGEFERRY_LOG_LEVEL": "info",
        }
        words = ["work", "--role", "crawl,transfer,record", "--processes", str(PROCESSES)]
        log = folder / "worker.log"
        with log.open("wb") as log_file:
            process = subprocess.Popen(  # noqa: S603 - runs this project's own command
                [sys.executable, "-m", "imageferry", *words],
                env={**environment, **shared},
                cwd=folder,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
            )
        try:
            _wait_for(log, "worker.ready")
            time.sleep(SETTLE_S)
            yield shared, {process.pid}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(log: Path, words: str) -> None:
    ends_at_s = time.monotonic() + READY_S_MAX
    while words not in log.read_text():
        if time.monotonic() > ends_at_s:
            raise RunError(f"The worker did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _save(runs: Mapping[str, list[Run]], *, files: int, us_per_file: Mapping[str, float]) -> None:
    facts = {
        "files": files,
        "cpu_us_per_file": {kind: round(us, 1) for kind, us in us_per_file.items()},
        "runs": {
            kind: [{name: round(v, 3) for name, v in asdict(each).items()} for each in done]
            for kind, done in runs.items()
        },
    }
    sys.stderr.write(f"Written to {save_facts('engine', facts)}\n")


if __name__ == "__main__":
    sys.exit(main())
