"""Metrics of several processes, read as one."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imageferry.telemetry.multiprocess_metrics import exposition, metrics_folder
from tests.repository import ROOT

CHILD = """
import asyncio, sys
from pathlib import Path
from imageferry.model import Transfer
from imageferry.telemetry.multiprocess_metrics import metrics_of_slot
from tests.drivers.recorded_stages import TRANSFER, record_stage

async def work():
    metrics = metrics_of_slot(Path(sys.argv[1]), slot=int(sys.argv[2]))
    async for _ in metrics.wrap_stage(Transfer, record_stage)(TRANSFER):
        sys.stdout.flush()
        if sys.argv[3] == "dies":
            import os
            os._exit(9)

asyncio.run(work())
"""


def child(folder: Path, *, slot: int, dies: bool = False) -> None:
    arguments = [str(folder), str(slot), "dies" if dies else "ends"]
    subprocess.run([sys.executable, "-c", CHILD, *arguments], check=not dies, cwd=ROOT)


def test_a_replacement_continues_the_counts_of_a_process_that_died_without_its_messages_in_progress() -> None:
    with metrics_folder() as folder:
        child(folder, slot=0)
        child(folder, slot=1, dies=True)
        assert b'imageferry_messages_in_progress{stage="transfer"} 1.0' in exposition(folder, queue_messages={})
        child(folder, slot=1)
        exposed = exposition(folder, queue_messages={"transfer": 5})
        assert {path.stem[-1] for path in folder.glob("*.db")} == {"0", "1"}
    assert b'imageferry_files_total{outcome="stored",reason=""} 6.0' in exposed
    assert b'imageferry_messages_in_progress{stage="transfer"} 0.0' in exposed
    assert b'imageferry_queue_messages{queue="transfer"} 5.0' in exposed
    assert not folder.exists()


def test_the_folder_of_a_killed_worker_is_removed_by_the_next() -> None:
    program = (
        "import os; from imageferry.telemetry.multiprocess_metrics import metrics_folder as f\n"
        "with f() as p: print(p); os._exit(9)"
    )
    command = [sys.executable, "-u", "-c", program]
    abandoned = Path(subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip())
    assert abandoned.exists()
    with metrics_folder() as first, metrics_folder() as second:
        assert not abandoned.exists()
        assert first.exists()
        assert second.exists()


def test_a_worker_that_starts_at_the_same_moment_does_not_remove_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    mkdtemp = tempfile.mkdtemp

    def create_while_another_worker_starts(*, prefix: str) -> str:
        monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
        folder = mkdtemp(prefix=prefix)
        Path(folder, "original").touch()
        with metrics_folder():
            return folder

    monkeypatch.setattr(tempfile, "mkdtemp", create_while_another_worker_starts)
    with metrics_folder() as folder, metrics_folder():
        assert (folder / "original").exists()
    assert not folder.exists()
