"""Memory stays flat, whatever goes through: the command as a process of its own, against the stand-in as another."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.integration

RSS_BYTES_MAX = 256 << 20
LOOK_EVERY_S = 0.05
_MEMORY = Path("/dev/shm")  # noqa: S108 - where there is one: a disk of the test machine may be slow


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes two gigabytes, in memory where there is room, and is gone after the test."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 8 << 30
    with TemporaryDirectory(prefix="imageferry-test-", dir=_MEMORY if roomy else tmp_path) as folder:
        yield Path(folder)


async def test_ten_thousand_small_files_take_little_memory(home: Path) -> None:
    ended = await imported(home, files=10_000, size_bytes=79_000)

    assert (ended.stored, ended.bytes_moved) == (10_000, 10_000 * 79_000)
    assert ended.rss_bytes_max < RSS_BYTES_MAX


async def test_a_file_larger_than_all_permitted_memory_takes_little_of_it(home: Path) -> None:
    size_bytes = (1 << 30) + 12_345  # no multiple of any part's or chunk's size

    ended = await imported(home, files=1, size_bytes=size_bytes)

    assert (ended.stored, ended.bytes_moved) == (1, size_bytes)
    assert ended.rss_bytes_max < RSS_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    stored: int
    bytes_moved: int
    rss_bytes_max: int  # of the command's process, over its whole life


async def imported(home: Path, *, files: int, size_bytes: int) -> Ended:
    async with stand_in(files=files, size_bytes=size_bytes) as drive:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "imageferry", "import", drive["folder_url"], "--json"),
            env={
                "PATH": os.environ["PATH"],
                "IMAGEFERRY_HOME": str(home),
                "GOOGLE_API_KEY": drive["api_key"],
                "GOOGLE_DRIVE_ENDPOINT": drive["url"],
                "GOOGLE_DRIVE_WEB_ENDPOINT": drive["url"],
            },
            cwd=home,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            watching = asyncio.create_task(rss_peak(process.pid))
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        told = json.loads(output)
        assert process.returncode == 0, told
        return Ended(stored=told["stored"], bytes_moved=told["bytes_moved"], rss_bytes_max=await watching)


async def rss_peak(process_id: int) -> int:
    """The most memory that a process ever had, by the system's own mark; looked up until it has ended."""
    peak = 0
    while found := rss_mark(process_id):
        peak = found
        await asyncio.sleep(LOOK_EVERY_S)
    return peak


def rss_mark(process_id: int) -> int | None:
    """None: the process has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)


@asynccontextmanager
async def stand_in(*, files: int, size_bytes: int) -> AsyncIterator[dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "imageferry.demo", "--files", str(files), "--file-size", str(size_bytes)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()
