"""Reconciles the store with cancelled jobs: records the objects that lost processes stored for them."""

import asyncio
from functools import partial

from imageferry.catalog.database.connection import TransactionRunner, Tx
from imageferry.catalog.ledger import outcomes
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import PermanentError
from imageferry.model import Outcome, Record, Transfer, TransferItem
from imageferry.pipeline.transfer.file_transfer import find_verified_object
from imageferry.stores.store import Store

BATCHES_PER_STEP = 16
LOOKUPS_CONCURRENT = 32


async def reconcile_cancelled(*, catalog: TransactionRunner, store: Store) -> None:
    """Look up in the store every item that cancelled jobs withdrew after it was dispatched. Idempotent.

    Raises what the store raises if it can't be reached: the next call continues.
    """
    lookups = asyncio.Semaphore(LOOKUPS_CONCURRENT)

    async def find(item: TransferItem) -> Outcome | None:
        async with lookups:
            try:
                return await find_verified_object(item, store=store)
            except PermanentError:
                return None

    while batches := await catalog.read(
        lambda tx: outcomes.orphaned_batches(tx, store=store.url, limit=BATCHES_PER_STEP)
    ):
        for batch in batches:
            found = await asyncio.gather(*map(find, batch.items))
            await catalog.write(partial(_record, batch, found=tuple(filter(None, found))))


def _record(batch: Transfer, tx: Tx, *, found: tuple[Outcome, ...]) -> None:
    record = Record(job_id=batch.job_id, batch_id=batch.batch_id, outcomes=found, is_final=True)
    outcomes.record_outcomes(tx, record, policy=LeasePolicy(), now_ms=now_ms())  # any policy: nothing is dispatched
