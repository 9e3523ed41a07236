"""The record stage: what became of files, into the catalog; and credit for the next ones."""

from collections.abc import AsyncIterator

from imageferry.catalog import ledger
from imageferry.catalog.session import Catalog, Tx
from imageferry.catalog.terms import Terms
from imageferry.clock import now_ms
from imageferry.model import Crawl, Record, Transfer


async def record(message: Record, *, catalog: Catalog, terms: Terms) -> AsyncIterator[Crawl | Transfer]:
    """Write the outcomes, in one transaction; what follows is all that the job may begin now."""

    def change(tx: Tx) -> list[Crawl | Transfer]:
        ledger.finish(tx, message, terms=terms, now_ms=now_ms())
        return ledger.dispatch(tx, message.job_id, terms=terms, now_ms=now_ms()) if message.final else []

    for following in await catalog.write(change):
        yield following
