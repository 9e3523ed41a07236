"""How long a process may be silent, and what becomes of the batches of one that hung."""

from msgspec.structs import replace

from imageferry.engine.watchdog import CHECK_INTERVAL_S, STOPPING_SILENCE_S_MAX, SilenceTimer, record_of_hung
from imageferry.errors import Reason
from imageferry.model import ItemState, Transfer, TransferItem
from imageferry.subprocess_protocol.heartbeat import Heartbeat

SILENCE_S_MAX = 20.0
ITEMS = tuple(
    TransferItem(item_id=n, file_id=f"f{n}", name=f"{n}.jpg", object_key="k", mime_type="image/jpeg") for n in (1, 2, 3)
)
BATCH = Transfer(job_id="j", source="s", batch_id=7, items=ITEMS)


def observe(timer: SilenceTimer, seconds: float) -> None:
    for _ in range(round(seconds / CHECK_INTERVAL_S)):
        timer.observe()


def test_a_process_may_be_silent_for_a_while_and_for_less_when_it_must_stop() -> None:
    heartbeat = Heartbeat()
    timer = SilenceTimer(heartbeat, silence_s_max=SILENCE_S_MAX)
    heartbeat.beat()
    timer.observe()
    observe(timer, STOPPING_SILENCE_S_MAX)
    assert (timer.has_expired(is_stopping=False), timer.has_expired(is_stopping=True)) == (False, True)
    observe(timer, SILENCE_S_MAX - STOPPING_SILENCE_S_MAX)
    assert (timer.has_expired(is_stopping=False), timer.is_responding) == (True, False)
    heartbeat.beat()
    timer.observe()
    assert (timer.has_expired(is_stopping=True), timer.is_responding) == (False, True)


def test_a_process_that_rests_is_not_silent() -> None:
    heartbeat = Heartbeat()
    timer = SilenceTimer(heartbeat, silence_s_max=SILENCE_S_MAX)
    observe(timer, 2 * SILENCE_S_MAX)
    heartbeat.beat()
    timer.observe()
    heartbeat.rest()
    observe(timer, 2 * SILENCE_S_MAX)
    assert not timer.has_expired(is_stopping=True)


def test_of_a_hung_process_only_the_files_under_way_are_suspect_and_no_batch_counts_as_lost() -> None:
    record = record_of_hung(BATCH, item_ids={2, 3, 99})
    assert (record.suspects, record.outcomes, record.is_final, record.worker_lost) == ((2, 3), (), True, False)
    assert record_of_hung(BATCH, item_ids={99}) == BATCH.empty_final_record()


def test_a_process_that_hung_without_a_file_counts_as_lost() -> None:
    assert record_of_hung(BATCH, item_ids=()) == BATCH.empty_final_record(worker_lost=True)


def test_the_file_that_hangs_its_process_alone_fails() -> None:
    alone = replace(BATCH, items=ITEMS[:1], isolated=True)
    (outcome,) = record_of_hung(alone, item_ids={1}).outcomes
    assert (outcome.item_id, outcome.state, outcome.reason) == (1, ItemState.FAILED, Reason.HUNG_WORKER)
    assert record_of_hung(alone, item_ids=()) == alone.empty_final_record(worker_lost=True)
