"""Listings that never end, or that a bug interrupts: the folder fails, with a reason that names it."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import items
from imageferry.errors import PageTokenError, Reason
from imageferry.model import File, Folder, FolderRef, JobOptions, Page
from imageferry.pipeline.dry_run import plan_import
from tests.contract.pipeline.listings import StrangeSource, crawl_all, page_of


@pytest.mark.parametrize(("tail", "length"), [(0, 1), (1, 1), (1, 2), (3, 5)])
async def test_a_circle_of_page_tokens_ends_with_a_reason_that_names_the_folder(
    catalog: Catalog, length: int, tail: int
) -> None:
    # Page `n` leads to page `n + 1`, and the last page back to page `tail`.
    pages = [
        page_of(File(id=f"file-{n}", name="x.jpg", mime_type="image/jpeg"), token=str(n + 1))
        for n in range(tail + length)
    ]
    pages[-1] = replace(pages[-1], next_page_token=str(tail or 1))
    source = StrangeSource(*pages, page_of(token="1"))

    job = await crawl_all(catalog, source)

    assert (job.discovered, job.failed, job.open_folders) == (len(pages) + 3 + 1, 1, 0)
    (item,) = await catalog.read(lambda tx: tx.execute(select(items).where(items.c.state == "failed")).all())
    assert item.reason == Reason.LISTING_INCOMPLETE
    assert "'Root'" in item.detail
    assert "names an earlier page as the next one" in item.detail
    assert source.calls < 30 * len(pages)


async def test_the_plan_of_a_folder_whose_pages_go_in_a_circle_ends(catalog: Catalog) -> None:
    source = StrangeSource(page_of(token="1"), page_of(token="2"), page_of(token="1"))
    root = await source.resolve(FolderRef(source=source.name, folder_id="root"))

    plan = await plan_import(root, source=source, catalog=catalog, store_url="memory://", options=JobOptions())

    assert (plan.to_store, plan.failing) == (3, {Reason.LISTING_INCOMPLETE: 1})


async def test_a_page_token_that_is_refused_again_and_again_ends(catalog: Catalog) -> None:
    class Refusing(StrangeSource):
        async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
            if page_token is not None:
                raise PageTokenError(Reason.REJECTED, "Google rejected the page token.")
            return await super().list_page(folder, page_token=page_token)

    job = await crawl_all(catalog, Refusing(page_of(token="1")))

    assert (job.discovered, job.failed, job.open_folders) == (4, 1, 0)


async def test_a_bug_that_one_folder_triggers_ends_with_its_cause(catalog: Catalog) -> None:
    class Broken(StrangeSource):
        async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
            if folder.id == "odd":
                raise RecursionError("too deep")
            return await super().list_page(folder, page_token=page_token)

    job = await crawl_all(
        catalog, Broken(page_of(folders=(Folder(id="odd", name="Odd"), Folder(id="good", name="Good"))))
    )

    assert (job.discovered, job.failed, job.open_folders) == (4, 1, 0)
    (item,) = await catalog.read(lambda tx: tx.execute(select(items).where(items.c.state == "failed")).all())
    assert (item.file_id, item.reason) == ("odd", Reason.CRASHED_WORKER)
    assert "'Odd'" in item.detail
    assert "too deep" in item.detail
