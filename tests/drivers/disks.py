"""Disks of their own for tests, which are soon full or read-only; only root may mount them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(point: Path, *, size: str = "1m") -> Iterator[Path]:
    """A disk at `point`, in memory; skips the test where none can be had."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    point.mkdir(parents=True)
    if refusal := _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", point):
        pytest.skip(f"no disk can be mounted here: {refusal}")
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def remount(point: Path, option: str) -> None:
    """Change a mounted disk: `ro`, `rw` or `size=8m`."""
    refusal = _mount("-o", f"remount,{option}", point)
    assert not refusal, refusal


def _mount(*words: str | Path) -> str:
    """What `mount` complains of; empty when it is done."""
    done = subprocess.run(["mount", *words], check=False, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""
