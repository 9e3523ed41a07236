"""Contract of every catalog: what a stranger puts into a shared folder costs that entry, and never its neighbours."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.tables import batches, items
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch
from imageferry.clock import now_ms
from imageferry.errors import NotFoundError, PageTokenError, Reason
from imageferry.model import (
    Crawl,
    File,
    Folder,
    FolderRef,
    ItemState,
    Job,
    JobOptions,
    JobState,
    Media,
    Outcome,
    Page,
    Transfer,
)
from imageferry.pipeline.crawl.page_writer import PageWriter
from imageferry.pipeline.crawl.stage import crawl
from imageferry.pipeline.dry_run import plan_import
from imageferry.pipeline.record.outcome_writer import OutcomeWriter
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.pipeline.submit import submit
from imageferry.sources.google_drive.api_models import parse_page
from imageferry.sources.memory import MemorySource
from tests.drivers.ledger_driver import POLICY as LEDGER_POLICY
from tests.drivers.ledger_driver import LedgerDriver, assert_consistent, stored_record

POLICY = replace(LEDGER_POLICY, stale_pages_max=1_000, tries_max=10)
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


def page_of(*files: File, folders: tuple[Folder, ...] = (), token: str | None = None) -> Page:
    good = tuple(File(id=f"good-{n}", name=f"{n}.jpg", mime_type="image/jpeg", size_bytes=5) for n in range(3))
    return Page(files=(*good, *files), folders=folders, next_page_token=token)


REFUSED = {
    "size": File(id="odd", name="x.jpg", mime_type="image/jpeg", size_bytes=2**70),
    "number": File(id="odd", name="x.jpg", media=Media(width=2**70)),
    "surrogate": File(id="odd", name="\ud800.jpg", mime_type="image/jpeg"),
    "path": File(id="odd", name="x.jpg", mime_type="image/jpeg", resource_key="\udfff"),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
async def test_a_row_that_the_database_refuses_fails_alone(catalog: Catalog, refused: File) -> None:
    folders = (Folder(id="sub", name="Sub"), Folder(id="odd-sub", name="\ud800"))

    job = await crawl_all(catalog, StrangeSource(page_of(refused, folders=folders)))

    outcomes = await outcomes_of(catalog)
    assert outcomes == {f"good-{n}": PENDING for n in range(3)} | {"odd": INVALID, "odd-sub": INVALID}
    assert (job.discovered, job.failed, job.open_folders) == (5, 2, 0)
    (batch,) = await catalog.read(lambda tx: tx.execute(select(batches)).all())
    assert batch.files == 3


async def test_not_a_number_fails_alone_where_a_database_refuses_it(catalog: Catalog) -> None:
    odd = File(id="odd", name="x.jpg", mime_type="image/jpeg", media=Media(latitude=float("nan"), longitude=1.0))

    job = await crawl_all(catalog, StrangeSource(page_of(odd)))

    assert (job.discovered, job.open_folders) == (4, 0)
    assert [(await outcomes_of(catalog))[f"good-{n}"] for n in range(3)] == [PENDING] * 3


@pytest.mark.parametrize("odd", [Outcome(item_id=0, state=ItemState.STORED, size_bytes=2**70, md5="0" * 32)])
async def test_an_outcome_that_the_database_refuses_fails_alone(ledger: LedgerDriver, odd: Outcome) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "c")
    (transfer,) = await ledger.transfers()
    record = stored_record(transfer)
    outcomes = (record.outcomes[0], replace(odd, item_id=transfer.items[1].item_id), record.outcomes[2])
    writer = OutcomeWriter(catalog=ledger.catalog, lease_policy=POLICY, stop_signals=StopSignals())

    await writer.write(replace(record, outcomes=outcomes))

    assert await outcomes_of(ledger.catalog) == {
        "a": (ItemState.STORED, None),
        "b": INVALID,
        "c": (ItemState.STORED, None),
    }
    job = await ledger.job()
    assert (job.state, job.stored, job.failed) == (JobState.COMPLETED, 2, 1)
    await assert_consistent(ledger)


@pytest.mark.parametrize(("tail", "length"), [(0, 1), (1, 1), (1, 2), (5, 3), (0, 7), (3, 20)])
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
