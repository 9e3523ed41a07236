"""`python -m benchmarks.scaling`: uploaders in growing numbers over each broker, against what they could do at best."""

import argparse
import asyncio
import resource
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.drivers.import_flow import Flow
from tests.drivers.processes import command
from tests.drivers.workers import Crew, crew_over, shared_environment_of
from tests.servers.brokers import KINDS_OF_BROKERS

from benchmarks.measure import groups_cpu_s
from benchmarks.rate import SETTLES_S, files_a_second
from benchmarks.report import keep
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree

FILE_S = 0.1  # the source takes so long for a file
AT_ONCE = 2  # files of one uploader, so that the processors are not the bound
FILES_EACH = 400  # of each uploader: some 20 s of work
SIZE_BYTES = 1_000
BETWEEN = (0.1, 0.85)  # these parts of the files, the rate is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of uploaders over one broker."""

    broker: str
    processes: int
    files: int
    files_s: float
    of_ideal: float  # what so many uploaders could do if nothing lay between their files
    cpu_us_file: float  # of all workers: crawler, uploaders, recorders


def main() -> int:
    """Measure every broker; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--brokers", nargs="+", choices=KINDS_OF_BROKERS, default=list(KINDS_OF_BROKERS))
    parser.add_argument("--files-each", type=int, default=FILES_EACH)
    asked = parser.parse_args()
    points = [
        asyncio.run(_measured(broker, processes=processes, files=asked.files_each * processes))
        for broker in asked.brokers
        for processes in asked.processes
    ]
    local_us = asyncio.run(_local_us(files=asked.files_each))
    sys.stdout.write(f"the local engine: {local_us:.0f} us of CPU a file\n")
    _save(points, local_us=local_us)
    return 0


async def _measured(broker: str, *, processes: int, files: int) -> Point:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with StandIn(tree, latency_s=FILE_S) as drive:
            flow = Flow(drive=drive, home=Path(folder) / "home")
            async with crew_over(broker, flow, folder=Path(folder)) as crew:
                point = await _run(crew, tree, broker=broker, processes=processes, files=files)
    sys.stdout.write(
        f"{point.broker:10} {point.processes:3} uploaders {point.files_s:8.1f} files/s"
        f" {point.of_ideal:6.2f} of ideal {point.cpu_us_file:8.0f} us of CPU a file\n"
    )
    sys.stdout.flush()
    return point


async def _run(crew: Crew, tree: Tree, *, broker: str, processes: int, files: int) -> Point:
    window = str(3 * processes)
    crew.environment |= {"IMAGEFERRY_WINDOW": window, "IMAGEFERRY_LEASE": "60"}
    crew.flow.given |= {"window": 3 * processes, "lease_s": 60}
    await crew.start("crawl,record", processes=2)
    await crew.start("transfer", processes=processes, IMAGEFERRY_CONCURRENCY=str(AT_ONCE))
    root = tree.folder("Root")
    tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
    await asyncio.sleep(SETTLES_S)
    before_s = _cpu_s(crew)
    importing = asyncio.create_task(crew.flow.run(root))
    requests = crew.flow.drive.requests
    sent = partial(requests.count, Operation.MEDIA)
    files_s = await files_a_second(importing, sent=sent, files=files, between=BETWEEN)
    return Point(
        broker=broker,
        processes=processes,
        files=files,
        files_s=round(files_s, 2),
        of_ideal=round(files_s / (processes * AT_ONCE / FILE_S), 4),
        cpu_us_file=round((_cpu_s(crew) - before_s) / files * 1e6, 1),
    )


async def _local_us(*, files: int) -> float:
    """CPU a file of `imageferry import`, its start not counted, with the same catalog behind it."""
    used = [await _import_cpu_s(files=count) for count in (1, files)]
    return (used[1] - used[0]) / (files - 1) * 1e6


async def _import_cpu_s(*, files: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with StandIn(tree, latency_s=FILE_S) as drive:
            flow = Flow(drive=drive, home=Path(folder) / "home")
            root = tree.folder("Root")
            tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
            async with crew_over("redis", flow, folder=Path(folder)):
                environment = shared_environment_of(flow) | {"IMAGEFERRY_CONCURRENCY": str(16 * AT_ONCE)}
                del environment["CELERY_BROKER_URL"]
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                async with command(flow, "import", drive.folder_url(root), environment=environment) as begun:
                    ended = await begun.ended()
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.code == 0, ended.said  # noqa: S101 - the figures of a failure are none
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _cpu_s(crew: Crew) -> float:
    """What all processes of a crew have used so far."""
    return groups_cpu_s({worker.pid for worker in crew.workers})


def _save(points: list[Point], *, local_us: float) -> None:
    facts = {
        "file_s": FILE_S,
        "at_once": AT_ONCE,
        "local_cpu_us_file": round(local_us, 1),
        "points": [asdict(point) for point in points],
    }
    sys.stderr.write(f"Written to {keep('scaling', facts)}\n")


if __name__ == "__main__":
    sys.exit(main())
