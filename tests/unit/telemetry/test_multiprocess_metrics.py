"""Metrics of several children, read as one."""

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
from imageferry.telemetry.multiprocess_metrics import metrics_of_child
from tests.drivers.recorded_stages import TRANSFER, tells

async def work():
    metrics = metrics_of_child(Path(sys.argv[1]), seat=int(sys.argv[2]))
    async for _ in metrics.around_stage(Transfer, tells)(TRANSFER):
        sys.stdout.flush()
        if sys.argv[3] == "dies":
            import os
            os._exit(9)

asyncio.run(work())
"""


def child(folder: Path, *, seat: int, dies: bool = False) -> None:
    words = [str(folder), str(seat), "dies" if dies else "ends"]
    subprocess.run([sys.executable, "-c", CHILD, *words], check=not dies, cwd=ROOT)


def test_a_child_that_died_is_counted_on_from_and_has_nothing_under_way() -> None:
    with metrics_folder() as folder:
        child(folder, seat=0)
        child(folder, seat=1, dies=True)
        assert b'imageferry_under_way{stage="transfer"} 1.0' in exposition(folder, queued={})
        child(folder, seat=1)
        told = exposition(folder, queued={"transfer": 5})
        assert {path.stem[-1] for path in folder.glob("*.db")} == {"0", "1"}
    assert b'imageferry_files_total{outcome="stored",reason=""} 6.0' in told
    assert b'imageferry_under_way{stage="transfer"} 0.0' in told
    assert b'imageferry_queued{queue="transfer"} 5.0' in told
    assert not folder.exists()


def test_what_a_killed_worker_left_is_removed_by_the_next() -> None:
    leave = (
        "import os; from imageferry.telemetry.multiprocess_metrics import metrics_folder as f\n"
        "with f() as p: print(p); os._exit(9)"
    )
    words = [sys.executable, "-u", "-c", leave]
    left = Path(subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip())
    assert left.exists()
    with metrics_folder() as first, metrics_folder() as second:
        assert not left.exists()
        assert first.exists()
        assert second.exists()


def test_a_worker_that_starts_at_the_same_moment_leaves_the_folder_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    make = tempfile.mkdtemp

    def made_while_another_starts(*, prefix: str) -> str:
        monkeypatch.setattr(tempfile, "mkdtemp", make)
        made = make(prefix=prefix)
        Path(made, "as it was made").touch()
        with metrics_folder():
            return made

    monkeypatch.setattr(tempfile, "mkdtemp", made_while_another_starts)
    with metrics_folder() as folder, metrics_folder():
        assert (folder / "as it was made").exists()
    assert not folder.exists()
