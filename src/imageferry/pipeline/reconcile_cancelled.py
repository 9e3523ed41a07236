"""Adopting: what lost processes stored of jobs that were cancelled since gets its records, as all that stands has."""

import asyncio
from functools import partial

from imageferry.catalog.database.connection import Transactions, Tx
from imageferry.catalog.ledger import outcomes
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import PermanentError
from imageferry.model import Outcome, Record, Transfer, TransferItem
from imageferry.pipeline.transfer.file_transfer import standing
from imageferry.stores.store import Store

BATCHES_AT_ONCE = 16
LOOKS_AT_ONCE = 32


async def adopt(*, catalog: Transactions, store: Store) -> None:
    """Look at the store for all that cancelled jobs withdrew after it was given out; idempotent.

    Raises what the store raises when it cannot be asked at present: then the rest is looked at the next time.
    """
    looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def look(parcel: TransferItem) -> Outcome | None:
        async with looks:
            try:
                return await standing(parcel, store=store)
            except PermanentError:
                return None

    while left := await catalog.read(lambda tx: outcomes.unaccounted(tx, store=store.url, limit=BATCHES_AT_ONCE)):
        for batch in left:
            found = await asyncio.gather(*map(look, batch.parcels))
            await catalog.write(partial(_tell, batch, found=tuple(filter(None, found))))


def _tell(batch: Transfer, tx: Tx, *, found: tuple[Outcome, ...]) -> None:
    record = Record(job_id=batch.job_id, batch_id=batch.batch_id, outcomes=found, final=True)
    outcomes.finish(tx, record, terms=LeasePolicy(), now_ms=now_ms())  # nothing is to be given out again
