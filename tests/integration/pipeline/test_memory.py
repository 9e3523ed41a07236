"""Memory is bounded for every import. Runs the command and the Drive test server as processes."""

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
POLL_INTERVAL_S = 0.05
_MEMORY = Path("/dev/shm")  # noqa: S108 - tmpfs, if there is one: the test machine's disk may be slow


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder with room for two gigabytes, in memory if possible. It is deleted after the test."""
    has_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 8 << 30
    with TemporaryDirectory(prefix="imageferry-test-", dir=_MEMORY if has_memory else tmp_path) as folder:
        yield Path(folder)


async def test_ten_thousand_small_files_need_little_memory(home: Path) -> None:
    measurement = await measure_import(home, files=10_000, size_bytes=79_000)

    assert (measurement.stored, measurement.bytes_transferred) == (10_000, 10_000 * 79_000)
    assert measurement.rss_bytes_max < RSS_BYTES_MAX


async def test_a_file_larger_than_the_memory_limit_needs_little_memory(home: Path) -> None:
    size_bytes = (1 << 30) + 12_345  # not a multiple of a part's or chunk's size

    measurement = await measure_import(home, files=1, size_bytes=size_bytes)

    assert (measurement.stored, measurement.bytes_transferred) == (1, size_bytes)
    assert measurement.rss_bytes_max < RSS_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    stored: int
    bytes_transferred: int
    rss_bytes_max: int  # of the command's process, until its end


async def measure_import(home: Path, *, files: int, size_bytes: int) -> Measurement:
    async with drive_test_server(files=files, size_bytes=size_bytes) as drive:
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
            peak_task = asyncio.create_task(rss_peak(process.pid))
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        output_json = json.loads(output)
        assert process.returncode == 0, output_json
        return Measurement(
            stored=output_json["stored"],
            bytes_transferred=output_json["bytes_transferred"],
            rss_bytes_max=await peak_task,
        )


async def rss_peak(process_id: int) -> int:
    """Poll a process until it ends. Return its peak memory (VmHWM)."""
    peak = 0
    while current := read_rss_peak(process_id):
        peak = current
        await asyncio.sleep(POLL_INTERVAL_S)
    return peak


def read_rss_peak(process_id: int) -> int | None:
    """Return the peak memory of a process so far, or None if it has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)


@asynccontextmanager
async def drive_test_server(*, files: int, size_bytes: int) -> AsyncIterator[dict[str, str]]:
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
