"""Worker processes: limited, replaced when they crash, ended when idle."""

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
from imageferry.thumbnails.protocol import RenderRequest, UnreadableError
from imageferry.thumbnails.worker_pool import RenderLimits, WorkerPool
from tests.drivers.pictures import encode_image, four_color_image

REQUEST = RenderRequest(width=256)


@pytest.fixture(scope="module")
def large() -> bytes:
    """Return an image of 144 megapixels that takes more than a second and 400 MiB to decode, in half a megabyte."""
    return encode_image(Image.new("RGB", (12_000, 12_000)), "PNG", compress_level=1)


@asynccontextmanager
async def open_pool(**limits: float) -> AsyncIterator[WorkerPool]:
    """Open a pool with these limits. At the end of the context, check that its processes are gone."""
    pool = WorkerPool(RenderLimits(**limits))  # type: ignore[arg-type] # each has its field's type
    try:
        yield pool
    finally:
        await pool.close()
        assert not any(map(_is_alive, pool.process_ids))


async def chunked(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def never_ending() -> AsyncIterator[bytes]:
    yield b"\xff\xd8\xff"
    await asyncio.Event().wait()


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _open_files(pid: int, *numbers: int) -> set[str]:
    """Return what a process has open, or what it has open under these numbers."""
    folder = Path(f"/proc/{pid}/fd")
    paths = [folder / str(number) for number in numbers] or list(folder.iterdir())
    return {str(path.readlink()) for path in paths}


def _read_proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_an_image_that_arrives_in_chunks_is_rendered() -> None:
    content = encode_image(four_color_image(), "JPEG")
    async with open_pool() as pool:
        thumbnail = await pool.render(chunked(content[:100], b"", content[100:]), REQUEST)
        assert (thumbnail.width, thumbnail.height) == (800, 600)
        (first,) = pool.process_ids
        await pool.render(chunked(content), REQUEST)
        assert pool.process_ids == [first]


@pytest.mark.parametrize("cut", [0.3, 0.9])
async def test_a_truncated_image_is_unreadable_and_its_process_is_used_again(cut: float) -> None:
    content = encode_image(four_color_image(), "JPEG")
    async with open_pool() as pool:
        with pytest.raises(UnreadableError, match="truncated"):
            await pool.render(chunked(content[: round(len(content) * cut)]), REQUEST)
        (first,) = pool.process_ids
        await pool.render(chunked(content), REQUEST)
        assert pool.process_ids == [first]


async def test_a_killed_process_fails_only_the_image_that_it_was_decoding(large: bytes) -> None:
    started, killed = asyncio.Event(), asyncio.Event()

    async def in_two_chunks() -> AsyncIterator[bytes]:
        yield large[:100]
        started.set()
        await killed.wait()
        yield large[100:]

    async with open_pool(processes=1) as pool:
        dying = asyncio.create_task(pool.render(in_two_chunks(), REQUEST))
        await started.wait()
        os.kill(pool.process_ids[0], signal.SIGKILL)
        killed.set()
        with pytest.raises(UnreadableError, match="was ended"):
            await dying
        assert (await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)).width == 800


async def test_files_that_the_parent_left_open_are_closed() -> None:
    left_open, other_end = os.pipe()
    os.set_inheritable(left_open, True)  # noqa: FBT003 - the function's only signature
    try:
        async with open_pool() as pool:
            await pool.render(chunked(encode_image(four_color_image(), "JPEG")), REQUEST)
            (process_id,) = pool.process_ids
            assert not _open_files(os.getpid(), left_open) & _open_files(process_id)
    finally:
        os.close(left_open)
        os.close(other_end)


async def test_memory_is_limited(large: bytes) -> None:
    async with open_pool(memory_bytes_max=256 * 1024 * 1024) as pool:
        with pytest.raises(UnreadableError):
            await pool.render(chunked(large), REQUEST)
        assert (await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)).width == 800


async def test_cpu_time_is_limited(large: bytes) -> None:
    async with open_pool(cpu_s_max=1) as pool:
        with pytest.raises(UnreadableError, match="was ended"):
            await pool.render(chunked(large), RenderRequest(width=2048))
        assert (await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)).width == 800


async def test_requests_beyond_the_limit_are_refused_with_a_transient_error() -> None:
    async with open_pool(processes=1, waiting_max=2) as pool:
        waiting = [asyncio.create_task(pool.render(never_ending(), REQUEST)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TransientError):
            await pool.render(chunked(b""), REQUEST)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_worker_is_the_kernels_first_choice_when_memory_runs_out_and_has_no_environment() -> None:
    async with open_pool() as pool:
        await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)
        (pid,) = pool.process_ids
        assert _read_proc(pid, "oom_score_adj") == "1000\n"
        assert _read_proc(pid, "environ").count("=") == 1


async def test_a_worker_that_cannot_start_is_a_transient_error() -> None:
    async with open_pool(memory_bytes_max=2**70) as pool:  # no kernel accepts this limit
        with pytest.raises(TransientError):
            await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)


async def test_requests_that_wait_while_the_pool_closes_raise_a_transient_error(rng: random.Random) -> None:
    async with open_pool(processes=1) as pool:
        waiting = [asyncio.create_task(pool.render(never_ending(), REQUEST)) for _ in range(3)]
        await asyncio.sleep(rng.uniform(0, 0.5))  # the first process may be starting
        await pool.close()
        waiting[0].cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, TransientError) for error in ended[1:])


async def test_many_images_need_no_more_processes_than_the_limit() -> None:
    content = encode_image(four_color_image(), "JPEG")
    async with open_pool(processes=2) as pool:
        thumbnail = await asyncio.gather(*(pool.render(chunked(content), REQUEST) for _ in range(20)))
        assert len(thumbnail) == 20
        assert len(pool.process_ids) == 2


async def test_idle_processes_are_ended() -> None:
    async with open_pool(idle_s_max=0.2) as pool:
        await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)
        (pid,) = pool.process_ids
        while _is_alive(pid):  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.01)
        assert not pool.process_ids


async def test_an_error_of_the_store_is_raised_unchanged() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"\xff\xd8\xff"
        raise ConnectionError("the store")

    async with open_pool() as pool:
        with pytest.raises(ConnectionError, match="the store"):
            await pool.render(broken(), REQUEST)
        assert (await pool.render(chunked(encode_image(four_color_image(), "PNG")), REQUEST)).width == 800
