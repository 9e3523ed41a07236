"""Quotas that processes share through Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS, UNITS_PER_MINUTE
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.sources.redis_quota import RECONNECT_EVERY_S, RedisQuota
from tests.drivers.log_events import capture_log_events
from tests.drivers.workers import WorkerGroup
from tests.servers import brokers
from tests.servers.brokers import Broker, cuttable_proxy, open_broker

pytestmark = pytest.mark.integration

FILES = 300
PROCESSES = 4
DOWNLOADS_S = 60
LISTS_S = 5
# What the source permits: 10% more than the configured quota, and bursts of at most one second.
UNITS_S = 1.1 * (DOWNLOADS_S * COSTS[Operation.MEDIA] + LISTS_S * COSTS[Operation.LIST])


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A source that enforces its quota."""
    async with DriveTestServer(tree, quota_scale=UNITS_S * 60 / UNITS_PER_MINUTE, quota_burst_s=1) as drive:
        yield drive


async def test_workers_together_stay_below_the_quota(tree: Tree, workers: WorkerGroup) -> None:
    limits = {
        "IMAGEFERRY_QUOTA_URL": brokers.SERVERS["redis"],
        "IMAGEFERRY_DOWNLOADS_PER_SECOND": str(DOWNLOADS_S),
        "IMAGEFERRY_LIST_CALLS_PER_SECOND": str(LISTS_S),
    }
    await workers.start(processes=PROCESSES, **limits)
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)

    started_s = time.monotonic()
    result = await workers.flow.run(root)
    elapsed_s = time.monotonic() - started_s

    assert result.job.stored == FILES
    statuses = workers.flow.drive.requests.statuses
    assert not {status for status in statuses if status >= 400}
    assert elapsed_s >= FILES / DOWNLOADS_S - 1


@pytest.fixture
async def redis() -> AsyncIterator[Broker]:
    with open_broker("redis") as broker:
        yield broker


async def test_processes_split_the_quota_while_redis_is_down_and_share_it_again_afterwards(redis: Broker) -> None:
    calls_per_s = 100
    async with cuttable_proxy(redis.url) as proxy, AsyncExitStack() as closing:
        quotas = [
            RedisQuota(proxy.url, "bytes", prefix=redis.prefix, calls_per_s=calls_per_s) for _ in range(PROCESSES)
        ]
        for quota in quotas:
            closing.push_async_callback(quota.close)
        for quota in quotas * 2:
            quota._heartbeat_until_s = 0  # register again, so that each counts all the others
            await quota.acquire()

        with capture_log_events() as events:
            outage = asyncio.create_task(proxy.cut(RECONNECT_EVERY_S / 2))
            await asyncio.sleep(0)
            started_s = time.monotonic()
            await asyncio.gather(*(quota.acquire() for quota in quotas for _ in range(calls_per_s // PROCESSES + 1)))
            assert time.monotonic() - started_s >= 0.9
            await outage
            await asyncio.sleep(RECONNECT_EVERY_S / 2 + 0.5)
            await asyncio.gather(*(quota.acquire() for quota in quotas))

    assert [event["event"] for event in events] == ["quota.redis_lost"] * PROCESSES + ["quota.redis_back"] * PROCESSES
    assert {event["processes"] for event in events} == {PROCESSES}
