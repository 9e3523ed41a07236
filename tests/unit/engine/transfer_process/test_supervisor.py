"""The supervisor of a transfer process, with processes that fail."""

from pathlib import Path

import pytest

from imageferry.engine.transfer_process.supervisor import TransferProcess
from imageferry.errors import Reason
from imageferry.model import Record, Transfer, TransferItem
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.subprocess_protocol.child_process import ChildProcess

ITEM = TransferItem(item_id=1, file_id="f", name="a.jpg", object_key="k", mime_type="image/jpeg")
BATCH = Transfer(job_id="j", source="google_drive", batch_id=7, items=(ITEM,))


async def transfer(process: TransferProcess) -> list[Record]:
    return [record async for record in process.transfer(BATCH)]


async def test_a_batch_whose_process_ends_is_reported_as_lost_and_the_next_gets_a_new_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "short_lived.py").write_text(
        "import os\n"
        "from imageferry.engine.transfer_process.protocol import Reply, encode\n"
        "from imageferry.subprocess_protocol.framing import encode_frame\n\n"
        "def main():\n"
        "    os.write(1, encode_frame(encode(Reply())))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = TransferProcess("short_lived", config={}, stop_signals=StopSignals(), silence_s_max=60)
    for _ in range(2):
        assert await transfer(process) == [Record(job_id="j", batch_id=7, outcomes=(), is_final=True, worker_lost=True)]
    await process.close()
    assert "Z" not in _states_of_children()  # every child was waited for


async def test_a_job_whose_process_never_starts_waits_and_loses_nothing() -> None:
    process = TransferProcess("no.such.module", config={}, stop_signals=StopSignals(), silence_s_max=60)
    (record,) = await transfer(process)
    assert (record.is_final, record.worker_lost, record.blocked_reason) == (True, False, Reason.TRANSFER_PROCESS_FAILED)
    assert record.blocked_detail == "The transfer process ended before it was ready: its log says why."
    await process.close()


async def test_no_process_is_started_for_a_job_that_must_stop() -> None:
    stop_signals = StopSignals()
    process = TransferProcess("no.such.module", config={}, stop_signals=stop_signals, silence_s_max=60)
    stop_signals.stop_all()
    assert await transfer(process) == [Record(job_id="j", batch_id=7, outcomes=(), is_final=True)]
    await process.close()


async def test_a_job_waits_when_the_machine_cannot_start_a_process() -> None:
    def refuse(module: str) -> ChildProcess:  # noqa: ARG001 - the signature of `spawn`
        raise OSError(12, "Cannot allocate memory")

    process = TransferProcess("no.such.module", config={}, stop_signals=StopSignals(), silence_s_max=60, spawn=refuse)
    await process.start()
    (record,) = await transfer(process)
    assert (record.is_final, record.blocked_reason) == (True, Reason.TRANSFER_PROCESS_FAILED)
    assert record.blocked_detail == "The transfer process can't be started: Cannot allocate memory."
    await process.close()


def _states_of_children() -> set[str]:
    ids = [id_ for children in Path("/proc/self/task").glob("*/children") for id_ in children.read_text().split()]
    return {Path(f"/proc/{id_}/stat").read_text().rpartition(")")[2].split()[0] for id_ in ids}
