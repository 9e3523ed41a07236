"""Contract of every catalog: what a stranger puts into a shared folder costs that entry, and never its neighbours."""

from sqlalchemy import select

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import items
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch
from imageferry.clock import now_ms
from imageferry.errors import NotFoundError, Reason
from imageferry.model import Crawl, File, Folder, FolderRef, ItemState, Job, JobOptions, Page
from imageferry.pipeline.crawl.page_writer import PageWriter
from imageferry.pipeline.crawl.stage import crawl
from imageferry.pipeline.submit import submit
from imageferry.sources.google_drive.api_models import parse_page
from imageferry.sources.memory import MemorySource
from tests.drivers.ledger_driver import POLICY

GOOD = [f'{{"id": "good-{n}", "name": "{n}.jpg", "mimeType": "image/jpeg", "size": "5"}}' for n in range(3)]
PENDING = (ItemState.PENDING, None)
INVALID = (ItemState.FAILED, Reason.INVALID_ENTRY)
DANGLING = (ItemState.SKIPPED, Reason.DANGLING_SHORTCUT)
IMAGE = '"mimeType": "image/jpeg", "size": "5"'
SHORTCUT = '"mimeType": "application/vnd.google-apps.shortcut"'
METADATA = '"name": "x.jpg", "size": "5", "imageMediaMetadata"'
# Fields of an entry, by its name here, and what becomes of it.
ODD = {
    "far": (f'{METADATA}: {{"location": {{"latitude": 1e300, "longitude": -1e300, "altitude": 1e308}}}}', PENDING),
    "nan": (f'{METADATA}: {{"location": {{"latitude": "NaN", "longitude": "NaN"}}, "aperture": "Infinity"}}', PENDING),
    "lone-camera": (f'{METADATA}: {{"cameraModel": "\\ud83d lone"}}', PENDING),
    "first-year": (f'{METADATA}: {{"time": "0001:01:01 00:00:00"}}', PENDING),
    "after-9999": (f'"name": "x.jpg", {IMAGE}, "modifiedTime": "9999-12-31T23:59:59.999-12:00"', PENDING),
    "lone-name": (f'"name": "\\udc00.jpg", {IMAGE}', PENDING),
    "nul-name": (f'"name": "\\u0000.jpg", {IMAGE}', PENDING),
    "null-name": (f'"name": null, {IMAGE}', PENDING),
    "long-name": (f'"name": "{"写" * 30_000}.jpg", {IMAGE}', PENDING),
    "huge": (f'"name": "x.jpg", {IMAGE}, "size": "{2**63 - 1}"', PENDING),
    "huge-too": (f'"name": "x.jpg", {IMAGE}, "size": "{2**63 - 1}"', PENDING),
    "too-huge": (f'"name": "x.jpg", {IMAGE}, "size": "{2**63}"', INVALID),
    "long-type": (f'"name": "x.jpg", "mimeType": "image/{"x" * 300}"', PENDING),
    "long-digest": (f'"name": "x.jpg", {IMAGE}, "md5Checksum": "{"a" * 64}"', PENDING),
    "long-version": (f'"name": "x.jpg", {IMAGE}, "modifiedTime": "{"2" * 1000}"', PENDING),
    "long-key": (f'"name": "x.jpg", {IMAGE}, "resourceKey": "{"k" * 256}"', INVALID),
    "no-number": (f'"name": "x.jpg", {IMAGE}, "size": []', INVALID),
    "no-target": (f'"name": "x.jpg", {SHORTCUT}', DANGLING),
    "empty-target": (f'"name": "x.jpg", {SHORTCUT}, "shortcutDetails": {{}}', DANGLING),
    "dots-target": (f'"name": "x.jpg", {SHORTCUT}, "shortcutDetails": {{"targetId": ".."}}', DANGLING),
    "broken": ('"name": "x.jpg", "size": tru', INVALID),
    "deep": (f'"name": "x.jpg", "size": {"[" * 5000}{"]" * 5000}', INVALID),
    ".thumbnails": (f'"name": "x.jpg", {IMAGE}', PENDING),
    "a/b\\\\c:d": (f'"name": "x.jpg", {IMAGE}', PENDING),
    "GOOD-0": (f'"name": "x.jpg", {IMAGE}', PENDING),
    "good-1": (f'"name": "listed twice.jpg", {IMAGE}', PENDING),
}
IDS = ["", ".", "..", "x" * 10_000, "a b", "\\u0000", "é", "\\ud800", "good-0 "]


class StrangeSource(MemorySource):
    """A folder whose listing is given as the pages of Drive's API, or as files."""

    def __init__(self, *pages: str | Page) -> None:
        super().__init__()
        self.add_folder("Root", folder_id="root")
        self._pages = pages

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        if folder.id != "root":
            return Page()
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
    messages = await catalog.write(lambda tx: dispatch.dispatch(tx, job.id, policy=POLICY, now_ms=now_ms()))
    while crawls := [message for message in messages if isinstance(message, Crawl)]:
        messages = []
        for message in crawls:
            stage = crawl(message, sources=sources, catalog=catalog, page_writer=writer, policy=POLICY)
            messages += [each async for each in stage]
    listed = await catalog.read(lambda tx: jobs.get(tx, job.id))
    assert listed is not None
    return listed


async def outcomes_of(catalog: Catalog) -> dict[str, tuple[ItemState, Reason | None]]:
    columns = (items.c.file_id, items.c.state, items.c.reason)
    rows = await catalog.read(lambda tx: tx.execute(select(*columns)).all())
    return {row.file_id: (ItemState(row.state), row.reason and Reason(row.reason)) for row in rows}


async def test_each_odd_entry_costs_at_most_itself(catalog: Catalog) -> None:
    odd = [f'{{"id": "{entry_id}", {fields}}}' for entry_id, (fields, _) in ODD.items()]

    job = await crawl_all(catalog, StrangeSource(f'{{"files": [{", ".join([*GOOD, *odd])}]}}'))

    expected = {entry_id.replace("\\\\", "\\"): outcome for entry_id, (_, outcome) in ODD.items()}
    assert await outcomes_of(catalog) == {f"good-{n}": PENDING for n in range(3)} | expected
    assert (job.discovered, job.open_folders) == (len(ODD) + 2, 0)
    assert job.failed == list(expected.values()).count(INVALID)
    details = await catalog.read(lambda tx: tx.execute(select(items.c.detail).where(items.c.state == "failed")).all())
    assert all("Google Drive's description of it is invalid" in detail for (detail,) in details)


async def test_an_id_that_cannot_be_one_costs_only_its_entry(catalog: Catalog) -> None:
    odd = [f'{{"id": "{entry_id}", "name": "x.jpg", {IMAGE}}}' for entry_id in IDS]
    odd += ['{"name": "no id"}', '{"name": "no id either"}', '"text"', "5", "null", "[]"]

    job = await crawl_all(catalog, StrangeSource(f'{{"files": [{", ".join([*GOOD, *odd])}]}}'))

    outcomes = await outcomes_of(catalog)
    assert {entry_id for entry_id, outcome in outcomes.items() if outcome == PENDING} == {"good-0", "good-1", "good-2"}
    assert [*outcomes.values()].count(INVALID) == job.failed == len(odd)
    names = await catalog.read(lambda tx: tx.execute(select(items.c.name).where(items.c.state == "failed")).all())
    assert {"x.jpg", "no id", "no id either"} <= {name for (name,) in names}
