"""Heartbeats, as the parent of a process reads them."""

import os
import sys
from contextlib import ExitStack

from imageferry.subprocess_protocol.child_process import spawn
from imageferry.subprocess_protocol.heartbeat import ITEMS_MAX, Heartbeat

KILLED = """
import os, signal
from imageferry.subprocess_protocol.heartbeat import FILE_NUMBER, Heartbeat

heartbeat = Heartbeat(FILE_NUMBER)
heartbeat.start()
heartbeat.beat()
with heartbeat.under_way(7), heartbeat.under_way(2**63 - 1):
    with heartbeat.under_way(8):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_what_a_program_wrote_outlives_it() -> None:
    process = spawn([sys.executable, "-c", KILLED], environment=os.environ, own_session=False)
    await process.connect()
    await process.end(grace_s=60)
    heartbeat = process.heartbeat
    assert (heartbeat.process_id, heartbeat.beats) == (process.process_id, 1)
    assert heartbeat.item_ids == {7, 2**63 - 1}


def test_a_process_starts_with_nothing_of_the_one_before() -> None:
    heartbeat = Heartbeat()
    heartbeat.beat()
    with heartbeat.under_way(7):
        heartbeat.start()
        assert (heartbeat.process_id, heartbeat.beats, heartbeat.item_ids) == (os.getpid(), 0, frozenset())


def test_as_many_items_may_be_under_way_as_a_process_transfers_at_once() -> None:
    heartbeat = Heartbeat()
    with ExitStack() as stack:
        for item_id in range(1, ITEMS_MAX + 1):
            stack.enter_context(heartbeat.under_way(item_id))
        assert len(heartbeat.item_ids) == ITEMS_MAX
    assert heartbeat.item_ids == set()
