"""`python -m benchmarks.quota`: how much of Drive's quota several transfer workers use together, over each broker."""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

from tests.drivers.import_flow import ImportFlow
from tests.drivers.workers import WorkerGroup, open_worker_group
from tests.servers import brokers
from tests.servers.brokers import BROKER_KINDS

from benchmarks.rate import SETTLE_S, measure_files_per_s
from benchmarks.report import save_facts
from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS, UNITS_PER_MINUTE
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree

WORKERS = 4
FILES = 5_000  # a minute of the published quota
SIZE_BYTES = 1_000
LATENCY_S = 0.05
DOWNLOADS_S = UNITS_PER_MINUTE / 60 / COSTS[Operation.MEDIA]
CONFIGURED, ADAPTIVE = "configured", "adaptive"  # counted in Redis, or found out by each process
BETWEEN = (0.1, 0.9)  # fractions of the files between which the rate is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The result for one number of workers over one broker."""

    broker: str
    workers: int
    quota: str
    files: int
    used: float  # fraction of what the source permitted
    rejected: float  # fraction of all calls


def main() -> int:
    """Measure every broker. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quota", description=__doc__)
    parser.add_argument("--brokers", nargs="+", choices=BROKER_KINDS, default=list(BROKER_KINDS))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, WORKERS])
    parser.add_argument("--quota", nargs="+", choices=[CONFIGURED, ADAPTIVE], default=[CONFIGURED, ADAPTIVE])
    parser.add_argument("--files", type=int, default=FILES)
    arguments = parser.parse_args()
    points = [
        asyncio.run(_measure(broker, workers=workers, quota=quota, files=arguments.files))
        for broker in arguments.brokers
        for quota in arguments.quota
        for workers in arguments.workers
    ]
    facts = {"downloads_s": DOWNLOADS_S, "points": [asdict(point) for point in points]}
    sys.stderr.write(f"Written to {save_facts('quota-shared', facts)}\n")
    return 0


async def _measure(broker: str, *, workers: int, quota: str, files: int) -> Point:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with DriveTestServer(tree, latency_s=LATENCY_S, quota_scale=1.0) as drive:
            flow = ImportFlow(drive=drive, home=Path(folder) / "home")
            async with open_worker_group(broker, flow, folder=Path(folder)) as group:
                used, rejected = await _run(group, tree, workers=workers, quota=quota, files=files)
    point = Point(
        broker=broker, workers=workers, quota=quota, files=files, used=round(used, 4), rejected=round(rejected, 5)
    )
    sys.stdout.write(
        f"{broker:10} {workers} workers, quota {quota:10} {used * 100:6.1f}% used {rejected * 100:6.2f}% rejected\n"
    )
    sys.stdout.flush()
    return point


async def _run(group: WorkerGroup, tree: Tree, *, workers: int, quota: str, files: int) -> tuple[float, float]:
    """Return the fraction of the quota that was used, and the fraction of calls that were rejected."""
    window = 4 * workers
    group.environment |= {"IMAGEFERRY_BATCHES_IN_FLIGHT": str(window), "IMAGEFERRY_LEASE_SECONDS": "60"}
    if quota == CONFIGURED:
        group.environment |= {
            "IMAGEFERRY_QUOTA_URL": brokers.SERVERS["redis"],
            "IMAGEFERRY_DOWNLOADS_PER_SECOND": str(DOWNLOADS_S),
        }
    group.flow.setting_overrides |= {"batches_in_flight": window, "lease_s": 60}
    await group.start("crawl,record", processes=1)
    for _ in range(workers):
        await group.start("transfer")
    root = tree.folder("Root")
    tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
    await asyncio.sleep(SETTLE_S)
    importing = asyncio.create_task(group.flow.run(root))
    requests = group.flow.drive.requests
    rate = await measure_files_per_s(importing, sent=requests.downloads_by_file.total, files=files, between=BETWEEN)
    rejected = requests.statuses[HTTPStatus.FORBIDDEN]
    return rate / DOWNLOADS_S, rejected / requests.calls.total()


if __name__ == "__main__":
    sys.exit(main())
