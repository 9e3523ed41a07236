"""The way of listed pages into the catalog."""

import asyncio

from sqlalchemy import event

from imageferry.model import Crawl, File, Folder, SubFolder, Transfer
from imageferry.pipeline.crawl.page_listing import Listing
from imageferry.pipeline.crawl.page_writer import Advance
from tests.drivers.ledger_driver import TERMS, Ledger

FOLDERS = 8


async def crawls_of(moves: Ledger) -> list[Crawl]:
    """As many as are listed at once."""
    folders = tuple(SubFolder(folder=Folder(id=f"f{n}", name=f"f{n}"), path=f"f{n}") for n in range(FOLDERS))
    await moves.advance(await moves.crawl(), subfolders=folders)
    return [message for message in await moves.dispatch() if isinstance(message, Crawl)]


def listing(*files: File) -> Listing:
    return Listing(files=files, folders=(), folders_by_shortcut=(), dangling=(), next_page_token=None)


def picture(number: int) -> File:
    return File(id=f"file {number}", name=f"{number}.jpg", mime_type="image/jpeg", size_bytes=10, md5="0" * 32)


async def test_pages_that_come_at_about_the_same_time_share_a_transaction(moves: Ledger) -> None:
    crawls = await crawls_of(moves)
    advance = Advance(catalog=moves.catalog, terms=TERMS)
    commits: list[object] = []
    event.listen(moves.catalog.engine, "commit", commits.append)

    with advance.expecting():
        told = await asyncio.gather(*(advance.write(crawl, listing(picture(n))) for n, crawl in enumerate(crawls)))

    assert len(commits) == 1
    assert (await moves.job()).discovered == FOLDERS
    transfers = [message for following in told for message in following if isinstance(message, Transfer)]
    assert [len(transfer.parcels) for transfer in transfers] == [FOLDERS]


async def test_a_page_that_cannot_be_written_does_not_take_others_along(moves: Ledger) -> None:
    crawls = await crawls_of(moves)
    advance = Advance(catalog=moves.catalog, terms=TERMS)
    pages = [listing(picture(n)) for n in range(FOLDERS - 1)] + [listing(File(id="poison", name=None))]  # type: ignore[arg-type] # that is the poison

    with advance.expecting():
        told = await asyncio.gather(*map(advance.write, crawls, pages), return_exceptions=True)

    assert [n for n, following in enumerate(told) if isinstance(following, Exception)] == [FOLDERS - 1]
    assert (await moves.job()).discovered == FOLDERS - 1


async def test_pages_are_written_though_whoever_wrote_before_them_is_called_off(moves: Ledger) -> None:
    crawls = await crawls_of(moves)
    advance = Advance(catalog=moves.catalog, terms=TERMS)
    writers = [asyncio.create_task(advance.write(crawl, listing(picture(n)))) for n, crawl in enumerate(crawls)]
    await asyncio.sleep(0)
    writers[0].cancel()

    await asyncio.gather(*writers, return_exceptions=True)

    assert (await moves.job()).discovered >= FOLDERS - 1
