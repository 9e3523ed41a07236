"""`python -m benchmarks.scaling`: throughput of 1 to 8 transfer workers over each broker, relative to the ideal."""

import argparse
import asyncio
import resource
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import command
from tests.drivers.workers import WorkerGroup, open_worker_group, shared_environment_of
from tests.servers.brokers import BROKER_KINDS

from benchmarks.measure import groups_cpu_s
from benchmarks.rate import SETTLE_S, measure_files_per_s
from benchmarks.report import save_facts
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree

FILE_S = 0.1  # latency of the source per file
CONCURRENCY = 2  # files per worker, low so that the CPUs are not the limit
FILES_EACH = 400  # per worker, about 20 s of work
SIZE_BYTES = 1_000
BETWEEN = (0.1, 0.85)  # fractions of the files between which the rate is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The result for one number of workers over one broker."""

    broker: str
    processes: int
    files: int
    files_s: float
    of_ideal: float  # fraction of the throughput without any time between files
    cpu_us_file: float  # of all workers, per file


def main() -> int:
    """Measure every broker. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--brokers", nargs="+", choices=BROKER_KINDS, default=list(BROKER_KINDS))
    parser.add_argument("--files-each", type=int, default=FILES_EACH)
    arguments = parser.parse_args()
    points = [
        asyncio.run(_measure(broker, processes=processes, files=arguments.files_each * processes))
        for broker in arguments.brokers
        for processes in arguments.processes
    ]
    local_us = asyncio.run(_local_us(files=arguments.files_each))
    sys.stdout.write(f"the local engine: {local_us:.0f} us of CPU per file\n")
    _save(points, local_us=local_us)
    return 0


async def _measure(broker: str, *, processes: int, files: int) -> Point:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with DriveTestServer(tree, latency_s=FILE_S) as drive:
            flow = ImportFlow(drive=drive, home=Path(folder) / "home")
            async with open_worker_group(broker, flow, folder=Path(folder)) as group:
                point = await _run(group, tree, broker=broker, processes=processes, files=files)
    sys.stdout.write(
        f"{point.broker:10} {point.processes:3} workers {point.files_s:8.1f} files/s"
        f" {point.of_ideal:6.2f} of ideal {point.cpu_us_file:8.0f} us of CPU per file\n"
    )
    sys.stdout.flush()
    return point


async def _run(group: WorkerGroup, tree: Tree, *, broker: str, processes: int, files: int) -> Point:
    window = str(3 * processes)
    group.environment |= {"IMAGEFERRY_BATCHES_IN_FLIGHT": window, "IMAGEFERRY_LEASE_SECONDS": "60"}
    group.flow.setting_overrides |= {"batches_in_flight": 3 * processes, "lease_s": 60}
    await group.start("crawl,record", processes=2)
    await group.start("transfer", processes=processes, IMAGEFERRY_CONCURRENCY=str(CONCURRENCY))
    root = tree.folder("Root")
    tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
    await asyncio.sleep(SETTLE_S)
    before_s = _cpu_s(group)
    importing = asyncio.create_task(group.flow.run(root))
    requests = group.flow.drive.requests
    sent = partial(requests.count, Operation.MEDIA)
    files_s = await measure_files_per_s(importing, sent=sent, files=files, between=BETWEEN)
    return Point(
        broker=broker,
        processes=processes,
        files=files,
        files_s=round(files_s, 2),
        of_ideal=round(files_s / (processes * CONCURRENCY / FILE_S), 4),
        cpu_us_file=round((_cpu_s(group) - before_s) / files * 1e6, 1),
    )


async def _local_us(*, files: int) -> float:
    """Return the CPU time per file of `imageferry import` without its start, with the same catalog."""
    used = [await _import_cpu_s(files=count) for count in (1, files)]
    return (used[1] - used[0]) / (files - 1) * 1e6


async def _import_cpu_s(*, files: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with DriveTestServer(tree, latency_s=FILE_S) as drive:
            flow = ImportFlow(drive=drive, home=Path(folder) / "home")
            root = tree.folder("Root")
            tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
            async with open_worker_group("redis", flow, folder=Path(folder)):
                environment = shared_environment_of(flow) | {"IMAGEFERRY_CONCURRENCY": str(16 * CONCURRENCY)}
                del environment["CELERY_BROKER_URL"]
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                async with command(flow, "import", drive.folder_url(root), environment=environment) as process:
                    result = await process.wait()
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.code == 0, result.stderr  # noqa: S101 - a failed run has no valid figures
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _cpu_s(group: WorkerGroup) -> float:
    """Return the CPU time that all workers have used so far."""
    return groups_cpu_s({worker.process_id for worker in group.workers})


def _save(points: list[Point], *, local_us: float) -> None:
    facts = {
        "file_s": FILE_S,
        "concurrency": CONCURRENCY,
        "local_cpu_us_file": round(local_us, 1),
        "points": [asdict(point) for point in points],
    }
    sys.stderr.write(f"Written to {save_facts('scaling', facts)}\n")


if __name__ == "__main__":
    sys.exit(main())
