"""OutcomeWriter: outcomes of concurrent batches are coalesced."""

import asyncio

from sqlalchemy import event

from imageferry.model import JobState, Record, Transfer
from imageferry.pipeline.record.outcome_writer import OutcomeWriter
from imageferry.pipeline.stop_signal import StopSignals
from tests.drivers.ledger_driver import POLICY, LedgerDriver, stored_record

FILES = 400


async def dispatch_transfers(ledger: LedgerDriver) -> list[Transfer]:
    """Dispatch as many batches as may be in flight at once."""
    await ledger.save_page(await ledger.next_crawl(), *(f"file {number}" for number in range(FILES)))
    return await ledger.transfers()


async def test_outcomes_that_arrive_while_files_are_in_transfer_share_a_transaction(ledger: LedgerDriver) -> None:
    transfers, stop_signals = await dispatch_transfers(ledger), StopSignals()
    writer = OutcomeWriter(catalog=ledger.catalog, lease_policy=POLICY, stop_signals=stop_signals)
    commits: list[object] = []
    event.listen(ledger.catalog.engine, "commit", commits.append)

    with stop_signals.register("another"):
        results = await asyncio.gather(*(writer.write(stored_record(transfer)) for transfer in transfers))

    assert len(commits) == 1
    assert (await ledger.job()).stored == sum(len(transfer.items) for transfer in transfers)
    # Each caller gets its share of the next messages.
    assert [len(messages) for messages in results] == [1] * len(transfers)


async def test_outcomes_are_written_at_once_when_no_file_is_in_transfer(ledger: LedgerDriver) -> None:
    writer = OutcomeWriter(catalog=ledger.catalog, lease_policy=POLICY, stop_signals=StopSignals(), wait_s=1e6)

    transfers: list[Transfer] = await dispatch_transfers(ledger)
    while transfers:
        results = await asyncio.gather(*(writer.write(stored_record(transfer)) for transfer in transfers))
        transfers = [message for messages in results for message in messages if isinstance(message, Transfer)]

    assert (await ledger.job()).state is JobState.COMPLETED


async def test_outcomes_that_one_transaction_gets_twice_count_once(ledger: LedgerDriver) -> None:
    transfer, other = await dispatch_transfers(ledger)
    writer = OutcomeWriter(catalog=ledger.catalog, lease_policy=POLICY, stop_signals=StopSignals())
    whole = stored_record(transfer)
    early = Record(job_id=whole.job_id, batch_id=whole.batch_id, outcomes=whole.outcomes[:10], is_final=False)

    await asyncio.gather(*map(writer.write, (early, whole, whole, stored_record(other))))

    assert (await ledger.job()).stored == len(transfer.items) + len(other.items)
