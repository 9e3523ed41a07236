"""The way of outcomes into the catalog."""

from collections.abc import Sequence
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger import dispatch, outcomes
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.model import Crawl, Record, Transfer
from imageferry.pipeline.stop_signal import Halts
from imageferry.pipeline.write_coalescer import Together

# Outcomes wait so long for others, as long as files are under way in this process: a batch by itself costs twice as
# much, and whoever looks on is told soon enough.
LINGER_S = 0.1


class Finish:
    """Writes outcomes, those of a job that come at about the same time together."""

    def __init__(self, *, catalog: Catalog, terms: LeasePolicy, halts: Halts, linger_s: float = LINGER_S) -> None:
        self._catalog = catalog
        self._terms = terms
        self._records: Together[Record] = Together(self._write, linger=partial(halts.idle, within_s=linger_s))

    async def write(self, message: Record) -> Sequence[Crawl | Transfer]:
        """Write outcomes; their part of what their job may begin now."""
        return await self._records.add(message, job_id=message.job_id, files=len(message.outcomes))

    async def _write(self, together: Sequence[Record]) -> Sequence[Crawl | Transfer]:
        def change(tx: Tx) -> Sequence[Crawl | Transfer]:
            outcomes.finish(tx, *together, terms=self._terms, now_ms=now_ms())
            if not any(message.final for message in together):
                return ()
            return dispatch.dispatch(tx, together[0].job_id, terms=self._terms, now_ms=now_ms())

        return await self._catalog.write(change)
