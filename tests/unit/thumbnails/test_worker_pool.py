"""Decoding processes: bounded, replaced when they die, gone when they are not needed."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from imageferry.errors import TransientError
from imageferry.thumbnails.protocol import Order, UnreadableError
from imageferry.thumbnails.worker_pool import Bounds, Pool
from tests.drivers.pictures import quarters, saved

ORDER = Order(width=256)


@pytest.fixture(scope="module")
def large() -> bytes:
    """144 megapixels that take more than a second and 400 MiB, in half a megabyte."""
    return saved(Image.new("RGB", (12_000, 12_000)), "PNG", compress_level=1)


@asynccontextmanager
async def pool(**bounds: float) -> AsyncIterator[Pool]:
    """Decoding processes within bounds, which end with the context."""
    opened = Pool(Bounds(**bounds))  # type: ignore[arg-type] # each is of its bound's type
    try:
        yield opened
    finally:
        await opened.close()
        assert not any(map(_alive, pids(opened)))


async def once(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def endless() -> AsyncIterator[bytes]:
    yield b"\xff\xd8\xff"
    await asyncio.Event().wait()


def pids(opened: Pool) -> list[int]:
    return [child._process.pid for child in opened._children]


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _told(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_a_picture_that_comes_in_pieces_is_drawn() -> None:
    content = saved(quarters(), "JPEG")
    async with pool() as opened:
        drawn = await opened.draw(once(content[:100], b"", content[100:]), ORDER)
        assert (drawn.width, drawn.height) == (800, 600)
        (first,) = pids(opened)
        await opened.draw(once(content), ORDER)
        assert pids(opened) == [first]


@pytest.mark.parametrize("cut", [0.3, 0.9])
async def test_a_truncated_picture_is_told_and_costs_no_process(cut: float) -> None:
    content = saved(quarters(), "JPEG")
    async with pool() as opened:
        with pytest.raises(UnreadableError, match="truncated"):
            await opened.draw(once(content[: round(len(content) * cut)]), ORDER)
        (first,) = pids(opened)
        await opened.draw(once(content), ORDER)
        assert pids(opened) == [first]


async def test_a_process_that_is_killed_takes_its_picture_along_and_nothing_else(large: bytes) -> None:
    begun, killed = asyncio.Event(), asyncio.Event()

    async def in_two() -> AsyncIterator[bytes]:
        yield large[:100]
        begun.set()
        await killed.wait()
        yield large[100:]

    async with pool(processes=1) as opened:
        dying = asyncio.create_task(opened.draw(in_two(), ORDER))
        await begun.wait()
        os.kill(pids(opened)[0], signal.SIGKILL)
        killed.set()
        with pytest.raises(UnreadableError, match="was ended"):
            await dying
        assert (await opened.draw(once(saved(quarters(), "PNG")), ORDER)).width == 800


async def test_memory_is_bounded(large: bytes) -> None:
    async with pool(memory_bytes=256 * 1024 * 1024) as opened:
        with pytest.raises(UnreadableError):
            await opened.draw(once(large), ORDER)
        assert (await opened.draw(once(saved(quarters(), "PNG")), ORDER)).width == 800


async def test_time_is_bounded(large: bytes) -> None:
    async with pool(cpu_s=1) as opened:
        with pytest.raises(UnreadableError, match="was ended"):
            await opened.draw(once(large), Order(width=2048))
        assert (await opened.draw(once(saved(quarters(), "PNG")), ORDER)).width == 800


async def test_a_crowd_is_turned_away_and_not_remembered_as_failed() -> None:
    async with pool(processes=1, waiting=2) as opened:
        waiting = [asyncio.create_task(opened.draw(endless(), ORDER)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TransientError):
            await opened.draw(once(b""), ORDER)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_kernel_ends_a_decoder_before_anybody_else() -> None:
    async with pool() as opened:
        await opened.draw(once(saved(quarters(), "PNG")), ORDER)
        (pid,) = pids(opened)
        assert _told(pid, "oom_score_adj") == "1000\n"
        assert _told(pid, "environ").count("=") == 1


async def test_a_decoder_that_cannot_even_begin_is_no_pictures_fault() -> None:
    async with pool(memory_bytes=2**70) as opened:  # no kernel takes such a bound
        with pytest.raises(TransientError):
            await opened.draw(once(saved(quarters(), "PNG")), ORDER)


async def test_who_waits_while_it_closes_is_told() -> None:
    async with pool(processes=1) as opened:
        waiting = [asyncio.create_task(opened.draw(endless(), ORDER)) for _ in range(3)]
        await asyncio.sleep(random.uniform(0, 0.5))  # the first may be about to start
        await opened.close()
        waiting[0].cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, TransientError) for error in ended[1:])


async def test_many_pictures_need_few_processes() -> None:
    content = saved(quarters(), "JPEG")
    async with pool(processes=2) as opened:
        drawn = await asyncio.gather(*(opened.draw(once(content), ORDER) for _ in range(20)))
        assert len(drawn) == 20
        assert len(pids(opened)) == 2


async def test_processes_end_when_they_are_not_needed() -> None:
    async with pool(idle_s=0.2) as opened:
        await opened.draw(once(saved(quarters(), "PNG")), ORDER)
        (pid,) = pids(opened)
        while _alive(pid):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        assert not pids(opened)


async def test_a_store_that_breaks_off_is_told_as_itself() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"\xff\xd8\xff"
        raise ConnectionError("the store")

    async with pool() as opened:
        with pytest.raises(ConnectionError, match="the store"):
            await opened.draw(broken(), ORDER)
        assert (await opened.draw(once(saved(quarters(), "PNG")), ORDER)).width == 800
