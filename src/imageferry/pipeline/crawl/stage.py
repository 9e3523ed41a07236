"""The crawl stage: one page of one folder, into the catalog."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger import dispatch, folders
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.model import Crawl, Transfer
from imageferry.pipeline.crawl.page_listing import Listing, list_page
from imageferry.pipeline.crawl.page_writer import Advance
from imageferry.pipeline.crawl.prefetch import Lookahead
from imageferry.sources.base import Source


async def crawl(
    message: Crawl,
    *,
    sources: Mapping[str, Source],
    catalog: Catalog,
    advance: Advance,
    terms: LeasePolicy,
    lookahead: Lookahead | None = None,
) -> AsyncIterator[Crawl | Transfer]:
    """List a page and write what it holds; what follows is all that the job may begin now.

    With a `lookahead`, the page that follows is listed while this one is written.
    """
    source = sources[message.source]
    begun = None if lookahead is None else lookahead.take(message)
    try:
        with advance.expecting():
            listing = await _listed(message, begun=begun, source=source, catalog=catalog, terms=terms)
    except ImageferryError as exc:
        log.info(
            "page.stumbled",
            job_id=message.job_id,
            folder_id=message.folder.id,
            reason=exc.reason,
            detail=exc.message,
        )
        stumble = partial(_stumble, message=message, error=exc, terms=terms)
        following: Sequence[Crawl | Transfer] = await catalog.write(stumble)
    else:
        if lookahead is not None:
            lookahead.begin(message, listing, source=source)
        following = await advance.write(message, listing)
    for sent in following:
        yield sent


async def _listed(
    message: Crawl, *, begun: asyncio.Task[Listing] | None, source: Source, catalog: Catalog, terms: LeasePolicy
) -> Listing:
    """A page, with signs of life for as long as the source takes."""
    listing = begun or asyncio.create_task(list_page(message, source=source))
    try:
        while not (await asyncio.wait([listing], timeout=terms.sign_of_life_s))[0]:
            await catalog.write(lambda tx: folders.prolong(tx, message, terms=terms, now_ms=now_ms()))
        return listing.result()
    finally:
        listing.cancel()


def _stumble(tx: Tx, *, message: Crawl, error: ImageferryError, terms: LeasePolicy) -> list[Crawl | Transfer]:
    folders.stumble(tx, message, error=error, terms=terms, now_ms=now_ms())
    return dispatch.dispatch(tx, message.job_id, terms=terms, now_ms=now_ms())
