"""The way of outcomes into the catalog."""

import asyncio

from sqlalchemy import event

from imageferry.model import JobState, Record, Transfer
from imageferry.pipeline.record.outcome_writer import Finish
from imageferry.pipeline.stop_signal import Halts
from tests.drivers.ledger_driver import TERMS, Ledger, stored

FILES = 400


async def transfers_of(moves: Ledger) -> list[Transfer]:
    """As many as are under way at once."""
    await moves.advance(await moves.crawl(), *(f"file {number}" for number in range(FILES)))
    return await moves.transfers()


async def test_outcomes_that_come_while_files_are_under_way_share_a_transaction(moves: Ledger) -> None:
    transfers, halts = await transfers_of(moves), Halts()
    finish = Finish(catalog=moves.catalog, terms=TERMS, halts=halts)
    commits: list[object] = []
    event.listen(moves.catalog.engine, "commit", commits.append)

    with halts.under("another"):
        told = await asyncio.gather(*(finish.write(stored(transfer)) for transfer in transfers))

    assert len(commits) == 1
    assert (await moves.job()).stored == sum(len(transfer.parcels) for transfer in transfers)
    # Each is told of its part of what may begin now.
    assert [len(following) for following in told] == [1] * len(transfers)


async def test_outcomes_are_written_at_once_when_no_file_is_under_way(moves: Ledger) -> None:
    finish = Finish(catalog=moves.catalog, terms=TERMS, halts=Halts(), linger_s=1e6)

    following: list[Transfer] = await transfers_of(moves)
    while following:
        told = await asyncio.gather(*(finish.write(stored(transfer)) for transfer in following))
        following = [message for some in told for message in some if isinstance(message, Transfer)]

    assert (await moves.job()).state is JobState.COMPLETED


async def test_outcomes_of_one_batch_told_twice_in_a_transaction_count_once(moves: Ledger) -> None:
    transfer, other = await transfers_of(moves)
    finish = Finish(catalog=moves.catalog, terms=TERMS, halts=Halts())
    whole = stored(transfer)
    early = Record(job_id=whole.job_id, batch_id=whole.batch_id, outcomes=whole.outcomes[:10], final=False)

    await asyncio.gather(*map(finish.write, (early, whole, whole, stored(other))))

    assert (await moves.job()).stored == len(transfer.parcels) + len(other.parcels)
