"""Listings that a test makes up, and the crawl of all their pages as the engine does it."""

from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch
from imageferry.clock import now_ms
from imageferry.errors import NotFoundError, Reason
from imageferry.model import Crawl, File, Folder, FolderRef, Job, JobOptions, Page, Transfer
from imageferry.pipeline.crawl.page_writer import PageWriter
from imageferry.pipeline.crawl.stage import crawl
from imageferry.pipeline.submit import submit
from imageferry.sources.google_drive.api_models import parse_page
from imageferry.sources.memory import MemorySource
from tests.drivers.ledger_driver import POLICY as LEDGER_POLICY

POLICY = replace(LEDGER_POLICY, stale_pages_max=1_000, tries_max=10)


class StrangeSource(MemorySource):
    """A folder whose listing is given as the pages of Drive's API, or as files."""

    def __init__(self, *pages: str | Page) -> None:
        super().__init__()
        self.add_folder("Root", folder_id="root")
        self._pages = pages
        self.calls = 0

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        if folder.id != "root":
            return Page()
        self.calls += 1
        page = self._pages[int(page_token or 0)]
        return parse_page(page.encode(errors="surrogatepass")) if isinstance(page, str) else page

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:  # noqa: ARG002 - required by the port
        raise NotFoundError(Reason.GONE, f"There is no file {file_id}.")


async def crawl_all(catalog: Catalog, source: StrangeSource) -> Job:
    """List everything of a new job, as the engine does."""
    root = FolderRef(source=source.name, folder_id="root")
    job, _ = await submit(root, catalog=catalog, store_url="memory://", options=JobOptions())
    writer = PageWriter(catalog=catalog, lease_policy=POLICY)
    sources = {source.name: source}

    def dispatch_later(tx: Tx) -> list[Crawl | Transfer]:
        return dispatch.dispatch(tx, job.id, policy=POLICY, now_ms=now_ms() + 3_600_000)  # after every backoff

    messages = await catalog.write(dispatch_later)
    while crawls := [message for message in messages if isinstance(message, Crawl)]:
        messages = []
        for message in crawls:
            stage = crawl(message, sources=sources, catalog=catalog, page_writer=writer, policy=POLICY)
            messages += [each async for each in stage]
        messages += await catalog.write(dispatch_later)
    listed = await catalog.read(lambda tx: jobs.get(tx, job.id))
    assert listed is not None
    return listed


def page_of(*files: File, folders: tuple[Folder, ...] = (), token: str | None = None) -> Page:
    good = tuple(File(id=f"good-{n}", name=f"{n}.jpg", mime_type="image/jpeg", size_bytes=5) for n in range(3))
    return Page(files=(*good, *files), folders=folders, next_page_token=token)
