"""The crawl stage: lists one page of one folder and writes it to the catalog."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger import dispatch, folders
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import ImageferryError, Reason, TransientError
from imageferry.log import log
from imageferry.model import Crawl, Transfer
from imageferry.pipeline.crawl.page_listing import PageListing, list_page
from imageferry.pipeline.crawl.page_writer import PageWriter
from imageferry.pipeline.crawl.prefetch import PagePrefetcher
from imageferry.sources.base import Source


async def crawl(
    message: Crawl,
    *,
    sources: Mapping[str, Source],
    catalog: Catalog,
    page_writer: PageWriter,
    policy: LeasePolicy,
    prefetcher: PagePrefetcher | None = None,
) -> AsyncIterator[Crawl | Transfer]:
    """List a page and write it. Yield the messages that the job may send now.

    With a `prefetcher`, the next page is listed while this one is written.
    """
    source = sources[message.source]
    prefetched = None if prefetcher is None else prefetcher.take(message)
    try:
        with page_writer.expect_page():
            listing = await _list(message, prefetched=prefetched, source=source, catalog=catalog, policy=policy)
        if prefetcher is not None:
            prefetcher.prefetch_next(message, listing, source=source)
        next_messages = await page_writer.write(message, listing)
    except ImageferryError as exc:
        if exc.reason is Reason.CATALOG_UNAVAILABLE:
            raise  # the engine repeats the message
        next_messages = await _fail_page(message, error=exc, catalog=catalog, policy=policy)
    except Exception as exc:  # a bug that one page triggers must not stop its job without a reason
        log.exception("folder_page.failed", job_id=message.job_id, folder_id=message.folder.id)
        error = TransientError(
            Reason.CRASHED_WORKER, f"imageferry failed on the folder {message.folder.name!r}: {exc!r}"
        )
        next_messages = await _fail_page(message, error=error, catalog=catalog, policy=policy)
    for next_message in next_messages:
        yield next_message


async def _fail_page(
    message: Crawl, *, error: ImageferryError, catalog: Catalog, policy: LeasePolicy
) -> Sequence[Crawl | Transfer]:
    log.info(
        "folder_page.list_failed",
        job_id=message.job_id,
        folder_id=message.folder.id,
        reason=error.reason,
        detail=error.message,
    )
    return await catalog.write(partial(_save_failure, message=message, error=error, policy=policy))


async def _list(
    message: Crawl,
    *,
    prefetched: asyncio.Task[PageListing] | None,
    source: Source,
    catalog: Catalog,
    policy: LeasePolicy,
) -> PageListing:
    """List a page, renewing its lease for as long as the source takes."""
    listing = prefetched or asyncio.create_task(list_page(message, source=source))
    try:
        while not (await asyncio.wait([listing], timeout=policy.heartbeat_interval_s))[0]:
            await catalog.write(lambda tx: folders.renew_lease(tx, message, policy=policy, now_ms=now_ms()))
        return listing.result()
    finally:
        listing.cancel()


def _save_failure(tx: Tx, *, message: Crawl, error: ImageferryError, policy: LeasePolicy) -> list[Crawl | Transfer]:
    folders.page_failed(tx, message, error=error, policy=policy, now_ms=now_ms())
    return dispatch.dispatch(tx, message.job_id, policy=policy, now_ms=now_ms())
