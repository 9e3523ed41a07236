"""The near end of a mover, with processes that do not do what they should."""

import asyncio
import os
from pathlib import Path

import pytest

from imageferry.engine.mover.mover import Mover
from imageferry.model import Parcel, Record, Transfer
from imageferry.pipeline.halt import Halts

PARCEL = Parcel(item_id=1, file_id="f", name="a.jpg", key="k", mime_type="image/jpeg")
BATCH = Transfer(job_id="j", source="google_drive", batch_id=7, parcels=(PARCEL,))


async def told(mover: Mover) -> list[Record]:
    return [record async for record in mover.transfer(BATCH)]


async def test_a_batch_whose_process_ends_is_told_as_lost_and_the_next_has_another_process() -> None:
    mover = Mover("this", outfit={}, halts=Halts())  # it prints a poem on stderr's other, and ends
    for _ in range(2):
        assert await told(mover) == [Record(job_id="j", batch_id=7, outcomes=(), final=True, lost=True)]
    await mover.close()
    assert "Z" not in _states_of_children()  # all were looked after


async def test_nothing_is_begun_for_a_job_that_is_to_stop() -> None:
    halts = Halts()
    mover = Mover("no.such.module", outfit={}, halts=halts)
    halts.stop_all()
    assert await told(mover) == [Record(job_id="j", batch_id=7, outcomes=(), final=True)]
    await mover.close()


async def test_a_machine_without_room_for_a_process_is_asked_again_until_the_job_is_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()

    def refuse(*_: object, **__: object) -> None:
        asked.set()
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "posix_spawn", refuse)
    halts = Halts()
    mover = Mover("no.such.module", outfit={}, halts=halts)
    await mover.begin()
    telling = asyncio.create_task(told(mover))
    await asked.wait()
    await asyncio.sleep(0.05)
    assert not telling.done()
    halts.stop(["j"])
    assert await telling == [Record(job_id="j", batch_id=7, outcomes=(), final=True)]
    await mover.close()


def _states_of_children() -> set[str]:
    ids = [id_ for told in Path("/proc/self/task").glob("*/children") for id_ in told.read_text().split()]
    return {Path(f"/proc/{id_}/stat").read_text().rpartition(")")[2].split()[0] for id_ in ids}
