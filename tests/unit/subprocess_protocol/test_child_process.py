"""Frames between a process and its child, and the end of the child."""

import os
import signal
import sys

import pytest

from imageferry.subprocess_protocol.child_process import ChildProcess, spawn
from imageferry.subprocess_protocol.framing import FRAME_BYTES_MAX, LENGTH, ConnectionLostError, encode_frame

ECHO = """
from imageferry.subprocess_protocol.parent_connection import ParentConnection

connection = ParentConnection()
print("library output goes to stderr")
while (body := connection.receive()) is not None:
    connection.send(body)
"""
SLEEPING = "import time; time.sleep(600)"


async def start(program: str) -> ChildProcess:
    process = spawn([sys.executable, "-c", program], environment=os.environ, own_session=False, silent=True)
    await process.connect()
    return process


async def test_frames_arrive_in_order_and_unchanged() -> None:
    process = await start(ECHO)
    bodies = [b"", b"a", bytes(1 << 20)]
    for body in bodies:
        await process.send(body)
    assert [await process.receive() for _ in bodies] == bodies
    await process.end(grace_s=60)


async def test_a_child_that_has_ended_is_noticed() -> None:
    process = await start("")
    with pytest.raises(ConnectionLostError):
        await process.receive()
    assert not process.is_connected
    with pytest.raises(ConnectionLostError):
        await process.send(b"a")
    process.post(b"dropped")
    await process.end(grace_s=60)


async def test_a_child_that_does_not_end_is_killed() -> None:
    process = await start(SLEEPING)
    await process.end(grace_s=0)
    await process.end(grace_s=0)
    with pytest.raises(ProcessLookupError):
        os.kill(process.process_id, 0)


async def test_a_child_ends_although_the_system_collects_it() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        process = await start(SLEEPING)
        await process.end(grace_s=0)
    finally:
        signal.signal(signal.SIGCHLD, before)


async def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    header = LENGTH.pack(FRAME_BYTES_MAX + 1)
    process = await start(f"import os, time; os.write(1, {header!r}); time.sleep(600)")
    with pytest.raises(ConnectionLostError, match="too large"):
        await process.receive()
    await process.end(grace_s=0)
    with pytest.raises(ConnectionLostError, match="too large"):
        encode_frame(bytes(FRAME_BYTES_MAX + 1))
