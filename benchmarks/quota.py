"""`python -m benchmarks.quota`: uploaders that share Drive's quota, over each broker: how much of it they use."""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path

from tests.drivers.import_flow import Flow
from tests.drivers.workers import Crew, crew_over
from tests.servers import brokers
from tests.servers.brokers import KINDS_OF_BROKERS

from benchmarks.rate import SETTLES_S, files_a_second
from benchmarks.report import keep
from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS, UNITS_PER_MINUTE
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree

UPLOADERS = 4
FILES = 5_000  # a minute of the published quota
SIZE_BYTES = 1_000
ANSWER_S = 0.05
DOWNLOADS_S = UNITS_PER_MINUTE / 60 / COSTS[Operation.MEDIA]
TOLD, FOUND = "told", "found"  # the quota is set, and counted in Redis; or each process finds out what is left for it
BETWEEN = (0.1, 0.9)  # these parts of the files, the rate is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of uploaders over one broker."""

    broker: str
    uploaders: int
    quota: str
    files: int
    used: float  # of what the source permitted meanwhile
    refused: float  # of all calls


def main() -> int:
    """Measure every broker; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quota", description=__doc__)
    parser.add_argument("--brokers", nargs="+", choices=KINDS_OF_BROKERS, default=list(KINDS_OF_BROKERS))
    parser.add_argument("--uploaders", type=int, nargs="+", default=[1, UPLOADERS])
    parser.add_argument("--quota", nargs="+", choices=[TOLD, FOUND], default=[TOLD, FOUND])
    parser.add_argument("--files", type=int, default=FILES)
    asked = parser.parse_args()
    points = [
        asyncio.run(_measured(broker, uploaders=uploaders, quota=quota, files=asked.files))
        for broker in asked.brokers
        for quota in asked.quota
        for uploaders in asked.uploaders
    ]
    facts = {"downloads_s": DOWNLOADS_S, "points": [asdict(point) for point in points]}
    sys.stderr.write(f"Written to {keep('quota-shared', facts)}\n")
    return 0


async def _measured(broker: str, *, uploaders: int, quota: str, files: int) -> Point:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree()
        async with StandIn(tree, latency_s=ANSWER_S, quota_scale=1.0) as drive:
            flow = Flow(drive=drive, home=Path(folder) / "home")
            async with crew_over(broker, flow, folder=Path(folder)) as crew:
                used, refused = await _run(crew, tree, uploaders=uploaders, quota=quota, files=files)
    point = Point(
        broker=broker, uploaders=uploaders, quota=quota, files=files, used=round(used, 4), refused=round(refused, 5)
    )
    sys.stdout.write(
        f"{broker:10} {uploaders} uploaders, quota {quota:6} {used * 100:6.1f}% used {refused * 100:6.2f}% refused\n"
    )
    sys.stdout.flush()
    return point


async def _run(crew: Crew, tree: Tree, *, uploaders: int, quota: str, files: int) -> tuple[float, float]:
    """Which part of the quota was used, and which part of the calls was refused."""
    window = 4 * uploaders
    crew.environment |= {"IMAGEFERRY_WINDOW": str(window), "IMAGEFERRY_LEASE": "60"}
    if quota == TOLD:
        crew.environment |= {
            "IMAGEFERRY_QUOTA_URL": brokers.SERVERS["redis"],
            "IMAGEFERRY_DOWNLOADS_PER_SECOND": str(DOWNLOADS_S),
        }
    crew.flow.given |= {"window": window, "lease_s": 60}
    await crew.start("crawl,record", processes=1)
    for _ in range(uploaders):
        await crew.start("transfer")
    root = tree.folder("Root")
    tree.numbered_files(root, files, size_bytes=SIZE_BYTES)
    await asyncio.sleep(SETTLES_S)
    importing = asyncio.create_task(crew.flow.run(root))
    requests = crew.flow.drive.requests
    rate = await files_a_second(importing, sent=requests.downloads_by_file.total, files=files, between=BETWEEN)
    refused = requests.statuses[HTTPStatus.FORBIDDEN]
    return rate / DOWNLOADS_S, refused / requests.calls.total()


if __name__ == "__main__":
    sys.exit(main())
