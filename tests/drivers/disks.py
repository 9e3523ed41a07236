"""Small disks for tests, which can be full or read-only; only root may mount them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(mount_point: Path, *, size: str = "1m") -> Iterator[Path]:
    """Mount a disk in memory at `mount_point`; skip the test when that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    mount_point.mkdir(parents=True)
    if error := _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount_point):
        pytest.skip(f"no disk can be mounted here: {error}")
    try:
        yield mount_point
    finally:
        subprocess.run(["umount", mount_point], check=True)


def remount(mount_point: Path, option: str) -> None:
    """Change a mounted disk: `ro`, `rw` or `size=8m`."""
    error = _mount("-o", f"remount,{option}", mount_point)
    assert not error, error


def _mount(*arguments: str | Path) -> str:
    """Run `mount`; return its error message, empty on success."""
    completed = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    return completed.stderr.strip() if completed.returncode else ""
