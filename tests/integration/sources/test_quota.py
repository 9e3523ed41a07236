"""Quotas that processes share through Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import structlog

from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS, UNITS_PER_MINUTE
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.sources.redis_quota import ASK_AGAIN_S, Share
from tests.drivers.workers import Crew
from tests.servers import brokers
from tests.servers.brokers import Broker, broker, line

pytestmark = pytest.mark.integration

FILES = 300
PROCESSES = 4
DOWNLOADS_S = 60
LISTS_S = 5
# What the source permits: a tenth more than we say we take, and no more than a second of it at once.
UNITS_S = 1.1 * (DOWNLOADS_S * COSTS[Operation.MEDIA] + LISTS_S * COSTS[Operation.LIST])


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """A source that enforces its quota."""
    async with StandIn(tree, quota_scale=UNITS_S * 60 / UNITS_PER_MINUTE, quota_burst_s=1) as standing_in:
        yield standing_in


async def test_workers_stay_below_the_quota_together(tree: Tree, crew: Crew) -> None:
    limits = {
        "IMAGEFERRY_QUOTA_URL": brokers.SERVERS["redis"],
        "IMAGEFERRY_DOWNLOADS_PER_SECOND": str(DOWNLOADS_S),
        "IMAGEFERRY_LIST_CALLS_PER_SECOND": str(LISTS_S),
    }
    await crew.start(processes=PROCESSES, **limits)
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)

    began_s = time.monotonic()
    ending = await crew.flow.run(root)
    took_s = time.monotonic() - began_s

    assert ending.job.stored == FILES
    statuses = crew.flow.drive.requests.statuses
    assert not {status for status in statuses if status >= 400}
    assert took_s >= FILES / DOWNLOADS_S - 1


@pytest.fixture
async def redis() -> AsyncIterator[Broker]:
    with broker("redis") as server:
        yield server


async def test_when_redis_goes_each_takes_its_part_and_shares_again_when_it_is_back(redis: Broker) -> None:
    calls_s = 100
    async with line(redis.url) as cuttable, AsyncExitStack() as closing:
        shares = [Share(cuttable.url, "bytes", prefix=redis.prefix, calls_s=calls_s) for _ in range(PROCESSES)]
        for share in shares:
            closing.push_async_callback(share.close)
        for share in shares * 2:
            share._present_until_s = 0  # so that each has seen all the others
            await share.admit()

        with structlog.testing.capture_logs() as told:
            cutting = asyncio.create_task(cuttable.cut(ASK_AGAIN_S / 2))
            await asyncio.sleep(0)
            began_s = time.monotonic()
            await asyncio.gather(*(share.admit() for share in shares for _ in range(calls_s // PROCESSES + 1)))
            assert time.monotonic() - began_s >= 0.9
            await cutting
            await asyncio.sleep(ASK_AGAIN_S / 2 + 0.5)
            await asyncio.gather(*(share.admit() for share in shares))

    events = [event["event"] for event in told]
    assert events == ["quota.apart"] * PROCESSES + ["quota.shared"] * PROCESSES
    assert {event["processes"] for event in told} == {PROCESSES}
