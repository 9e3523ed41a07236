"""Writes the outcomes of transfers to the catalog."""

from collections.abc import Sequence
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger import dispatch, outcomes
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import RefusedRowError
from imageferry.model import Crawl, Record, Transfer
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.pipeline.write_coalescer import WriteCoalescer

# How long outcomes wait for others while files are in transfer in this process: a batch alone costs twice as much, and
# progress still shows soon enough.
WAIT_FOR_MORE_S = 0.1


class OutcomeWriter:
    """Writes outcomes, coalescing those of a job that arrive at about the same time."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        lease_policy: LeasePolicy,
        stop_signals: StopSignals,
        wait_s: float = WAIT_FOR_MORE_S,
    ) -> None:
        self._catalog = catalog
        self._lease_policy = lease_policy
        # No more outcomes come when no transfer is registered for a stop signal.
        wait_for_more = partial(stop_signals.wait_until_idle, timeout_s=wait_s)
        self._records: WriteCoalescer[Record] = WriteCoalescer(self._write, wait_for_more=wait_for_more)

    async def write(self, message: Record) -> Sequence[Crawl | Transfer]:
        """Write outcomes. Return their share of the messages that the job may send now."""
        return await self._records.add(message, job_id=message.job_id, files=len(message.outcomes))

    async def _write(self, records: Sequence[Record]) -> Sequence[Crawl | Transfer]:
        try:
            return await self._write_once(records)
        except RefusedRowError:
            return await self._write_once(records, sorts_out_refused=True)

    async def _write_once(
        self, records: Sequence[Record], *, sorts_out_refused: bool = False
    ) -> Sequence[Crawl | Transfer]:
        def change(tx: Tx) -> Sequence[Crawl | Transfer]:
            record = outcomes.record_accepted if sorts_out_refused else outcomes.record_outcomes
            record(tx, *records, policy=self._lease_policy, now_ms=now_ms())
            if not any(record.is_final for record in records):
                return ()
            return dispatch.dispatch(tx, records[0].job_id, policy=self._lease_policy, now_ms=now_ms())

        return await self._catalog.write(change)
