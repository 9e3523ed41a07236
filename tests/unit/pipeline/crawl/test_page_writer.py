"""PageWriter: pages that arrive at about the same time are coalesced."""

import asyncio

from sqlalchemy import event

from imageferry.model import Crawl, File, Folder, SubFolder, Transfer
from imageferry.pipeline.crawl.page_listing import PageListing
from imageferry.pipeline.crawl.page_writer import PageWriter
from tests.drivers.ledger_driver import POLICY, LedgerDriver

FOLDERS = 8


async def dispatch_crawls(ledger: LedgerDriver) -> list[Crawl]:
    """Dispatch as many folders as are listed at once."""
    folders = tuple(SubFolder(folder=Folder(id=f"f{n}", name=f"f{n}"), path=f"f{n}") for n in range(FOLDERS))
    await ledger.save_page(await ledger.next_crawl(), subfolders=folders)
    return [message for message in await ledger.dispatch() if isinstance(message, Crawl)]


def listing(*files: File) -> PageListing:
    return PageListing(files=files, folders=(), folders_by_shortcut=(), dangling=(), next_page_token=None)


def image_file(number: int) -> File:
    return File(id=f"file {number}", name=f"{number}.jpg", mime_type="image/jpeg", size_bytes=10, md5="0" * 32)


async def test_pages_that_arrive_at_about_the_same_time_share_a_transaction(ledger: LedgerDriver) -> None:
    crawls = await dispatch_crawls(ledger)
    writer = PageWriter(catalog=ledger.catalog, lease_policy=POLICY)
    commits: list[object] = []
    event.listen(ledger.catalog.engine, "commit", commits.append)

    with writer.expect_page():
        results = await asyncio.gather(*(writer.write(crawl, listing(image_file(n))) for n, crawl in enumerate(crawls)))

    assert len(commits) == 1
    assert (await ledger.job()).discovered == FOLDERS
    transfers = [message for messages in results for message in messages if isinstance(message, Transfer)]
    assert [len(transfer.items) for transfer in transfers] == [FOLDERS]


async def test_a_page_that_cannot_be_written_does_not_fail_others(ledger: LedgerDriver) -> None:
    crawls = await dispatch_crawls(ledger)
    writer = PageWriter(catalog=ledger.catalog, lease_policy=POLICY)
    invalid = File(id="invalid", name=None)  # type: ignore[arg-type] # on purpose: the catalog rejects it
    pages = [*(listing(image_file(n)) for n in range(FOLDERS - 1)), listing(invalid)]

    with writer.expect_page():
        results = await asyncio.gather(*map(writer.write, crawls, pages), return_exceptions=True)

    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [FOLDERS - 1]
    assert (await ledger.job()).discovered == FOLDERS - 1


async def test_pages_are_written_even_if_the_writer_before_them_is_cancelled(ledger: LedgerDriver) -> None:
    crawls = await dispatch_crawls(ledger)
    writer = PageWriter(catalog=ledger.catalog, lease_policy=POLICY)
    writers = [asyncio.create_task(writer.write(crawl, listing(image_file(n)))) for n, crawl in enumerate(crawls)]
    await asyncio.sleep(0)
    writers[0].cancel()

    await asyncio.gather(*writers, return_exceptions=True)

    assert (await ledger.job()).discovered >= FOLDERS - 1
