"""The near end of a mover, with processes that do not do what they should."""

import os
from pathlib import Path

import pytest

from imageferry.engine.transfer_process.supervisor import Mover
from imageferry.errors import Reason
from imageferry.model import Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import Halts

PARCEL = TransferItem(item_id=1, file_id="f", name="a.jpg", key="k", mime_type="image/jpeg")
BATCH = Transfer(job_id="j", source="google_drive", batch_id=7, parcels=(PARCEL,))


async def told(mover: Mover) -> list[Record]:
    return [record async for record in mover.transfer(BATCH)]


async def test_a_batch_whose_process_ends_is_told_as_lost_and_the_next_has_another_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "brief.py").write_text(
        "import os\n"
        "from imageferry.engine.transfer_process.protocol import Told, frame\n\n"
        "def main():\n"
        "    os.write(1, frame(Told()))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    mover = Mover("brief", outfit={}, halts=Halts())
    for _ in range(2):
        assert await told(mover) == [Record(job_id="j", batch_id=7, outcomes=(), final=True, lost=True)]
    await mover.close()
    assert "Z" not in _states_of_children()  # all were looked after


async def test_a_job_whose_process_never_begins_waits_and_loses_nothing() -> None:
    mover = Mover("no.such.module", outfit={}, halts=Halts())
    (record,) = await told(mover)
    assert (record.final, record.lost, record.blocked) == (True, False, Reason.NO_PROCESS)
    assert record.blocked_detail == "The process that moves the bytes ended before it could: its log says why."
    await mover.close()


async def test_nothing_is_begun_for_a_job_that_is_to_stop() -> None:
    halts = Halts()
    mover = Mover("no.such.module", outfit={}, halts=halts)
    halts.stop_all()
    assert await told(mover) == [Record(job_id="j", batch_id=7, outcomes=(), final=True)]
    await mover.close()


async def test_a_job_waits_where_the_machine_has_no_room_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "posix_spawn", refuse)
    mover = Mover("no.such.module", outfit={}, halts=Halts())
    await mover.begin()
    (record,) = await told(mover)
    assert (record.final, record.blocked) == (True, Reason.NO_PROCESS)
    assert record.blocked_detail == "No process can be started: Cannot allocate memory."
    await mover.close()


def _states_of_children() -> set[str]:
    ids = [id_ for told in Path("/proc/self/task").glob("*/children") for id_ in told.read_text().split()]
    return {Path(f"/proc/{id_}/stat").read_text().rpartition(")")[2].split()[0] for id_ in ids}
