"""Contract of every catalog: what a stranger puts into a shared folder costs that entry, and never its neighbours."""

from msgspec.structs import replace
from sqlalchemy import select

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import batches, items
from imageferry.errors import Reason
from imageferry.model import (
    File,
    Folder,
    ItemState,
    JobState,
    Media,
    Outcome,
)
from imageferry.pipeline.record.outcome_writer import OutcomeWriter
from imageferry.pipeline.stop_signal import StopSignals
from tests.contract.pipeline.listings import StrangeSource, crawl_all, page_of
from tests.drivers.ledger_driver import POLICY, LedgerDriver, assert_consistent, stored_record

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


REFUSED = (
    File(id="odd-1", name="x.jpg", mime_type="image/jpeg", size_bytes=2**70),
    File(id="odd-2", name="x.jpg", media=Media(width=2**70)),
    File(id="odd-3", name="\ud800.jpg", mime_type="image/jpeg"),
    File(id="odd-4", name="x.jpg", mime_type="image/jpeg", resource_key="\udfff"),
)
NAN = File(id="nan", name="x.jpg", mime_type="image/jpeg", media=Media(latitude=float("nan"), longitude=1.0))


async def test_rows_that_the_database_refuses_fail_alone(catalog: Catalog) -> None:
    folders = (Folder(id="sub", name="Sub"), Folder(id="odd-sub", name="\ud800"))

    job = await crawl_all(catalog, StrangeSource(page_of(*REFUSED, NAN, folders=folders)))

    outcomes = await outcomes_of(catalog)
    assert outcomes.pop("nan") in {PENDING, INVALID}  # only some databases refuse it
    failed = {"odd-1", "odd-2", "odd-3", "odd-4", "odd-sub"}
    assert outcomes == {f"good-{n}": PENDING for n in range(3)} | dict.fromkeys(failed, INVALID)
    assert (job.discovered, job.open_folders) == (9, 0)
    (batch,) = await catalog.read(lambda tx: tx.execute(select(batches)).all())
    assert batch.files == job.discovered - job.failed


async def test_an_outcome_that_the_database_refuses_fails_alone(ledger: LedgerDriver) -> None:
    await ledger.save_page(await ledger.next_crawl(), "a", "b", "c")
    (transfer,) = await ledger.transfers()
    odd = Outcome(item_id=transfer.items[1].item_id, state=ItemState.STORED, size_bytes=2**70, md5="0" * 32)
    record = stored_record(transfer)
    outcomes = (record.outcomes[0], odd, record.outcomes[2])
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
