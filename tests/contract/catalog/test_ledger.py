"""What every catalog holds to: the ledger's moves, doubled, lost and late."""

import asyncio
import re
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import Connection, event, func, select, text, update

from imageferry.catalog.database import migrate as migration
from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import batches, folders, metadata
from imageferry.catalog.images import records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import job_actions
from imageferry.catalog.ledger.folders import ListedPage
from imageferry.catalog.ledger.sweep import reclaim
from imageferry.errors import FatalError, NotFoundError, PageTokenError, Reason, TransientError
from imageferry.model import (
    Crawl,
    Folder,
    FolderRef,
    ItemState,
    JobOptions,
    JobState,
    LedgerState,
    Message,
    Outcome,
    SubFolder,
)
from imageferry.pipeline.submit import submit
from tests.drivers.ledger_driver import DAY_MS, STORE, TERMS, Ledger, found, stored, unfinished


async def test_a_job_goes_from_its_root_to_its_end(moves: Ledger) -> None:
    root = await moves.crawl()
    assert (root.root, root.page_token) == (True, None)
    await moves.advance(root, "a", "b")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(transfer))
    job = await moves.job()
    assert (job.state, job.discovered, job.stored, job.bytes_stored) == (JobState.COMPLETED, 2, 2, 20)
    assert job.finished_at is not None
    assert await moves.catalog.read(records.count) == 2


async def test_an_empty_folder_is_a_success(moves: Ledger) -> None:
    await moves.advance(await moves.crawl())
    assert (await moves.job()).state is JobState.COMPLETED


async def test_a_job_is_not_complete_while_a_page_is_unlisted(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), next_page_token="2")
    assert (await moves.job()).state is JobState.RUNNING
    second = await moves.crawl()
    assert second.page_token == "2"
    await moves.advance(second)
    assert (await moves.job()).state is JobState.COMPLETED


async def test_a_page_told_twice_counts_once(moves: Ledger) -> None:
    root = await moves.crawl()
    await moves.advance(root, "a", next_page_token="2")
    await moves.advance(root, "a", next_page_token="2")
    job = await moves.job()
    assert (job.discovered, job.open_folders) == (1, 1)


async def test_a_file_on_two_pages_or_twice_on_one_is_one_item(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "a", next_page_token="2")
    await moves.advance(await moves.crawl(), "a", "b")
    assert (await moves.job()).discovered == 2


async def test_pages_that_are_written_together_count_each_file_and_folder_once(moves: Ledger) -> None:
    first, second = (SubFolder(folder=Folder(id=name, name=name), path=name) for name in ("x", "y"))
    await moves.advance(await moves.crawl(), subfolders=(first, second))
    of_x, of_y = [message for message in await moves.dispatch() if isinstance(message, Crawl)]
    await moves.advance_all(
        ListedPage(crawl=of_x, finds=[found("a"), found("b")], subfolders=[second], next_page_token="2"),
        ListedPage(crawl=of_y, finds=[found("b"), found("c")], subfolders=[first]),
        ListedPage(crawl=replace(of_y, page_token="of another time"), finds=[found("d")]),
    )
    job = await moves.job()
    assert (job.discovered, job.open_folders) == (3, 1)
    assert (await moves.crawl()).page_token == "2"


async def test_a_folder_met_twice_is_listed_once(moves: Ledger) -> None:
    root = SubFolder(folder=Folder(id="root", name="Root"), path="x", by_shortcut=True)
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    await moves.advance(await moves.crawl(), subfolders=(root, sub, sub))
    assert (await moves.job()).open_folders == 1


async def test_outcomes_told_twice_count_once(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    (transfer,) = await moves.transfers()
    for _ in range(100):
        await moves.finish(stored(transfer))
    assert (await moves.job()).stored == 1


async def test_part_of_a_batch_can_be_told_before_the_rest(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    first = stored(replace(transfer, parcels=transfer.parcels[:1]), final=False)
    await moves.finish(first)
    assert (await moves.job()).stored == 1
    await moves.finish(stored(transfer))
    assert (await moves.job()).state is JobState.COMPLETED


async def test_what_a_batch_gives_back_is_given_out_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "b")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(replace(transfer, parcels=transfer.parcels[:1])))
    (again,) = await moves.transfers()
    assert [parcel.file_id for parcel in again.parcels] == ["b"]
    assert again.repeated
    assert again.parcels[0].tries == 0  # it was not begun


async def test_a_file_that_is_to_be_tried_again_rests_first_and_fails_in_the_end(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    for attempt in range(TERMS.item_tries_max):
        (transfer,) = await moves.transfers()
        assert transfer.parcels[0].tries == attempt
        (parcel,) = transfer.parcels
        again = Outcome(item_id=parcel.item_id, state=ItemState.PENDING, reason=Reason.SOURCE_UNAVAILABLE, detail="502")
        await moves.finish(unfinished(transfer, (again,)))
        assert await moves.transfers() == []
        moves.now_ms += TERMS.again_ms_max
    job = await moves.job()
    assert (job.state, job.failed) == (JobState.COMPLETED, 1)
    causes = await moves.catalog.read(lambda tx: items.causes(tx, job_id=job.id, state=ItemState.FAILED))
    assert causes == {Reason.SOURCE_UNAVAILABLE: 1}


async def test_a_lease_that_runs_out_gives_the_batch_back(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (lost,) = await moves.transfers()
    moves.now_ms += TERMS.lease_ms - 1
    await moves.sweep()
    assert await moves.transfers() == []
    moves.now_ms += 1
    await moves.sweep()
    (again,) = await moves.transfers()
    await moves.finish(stored(again))
    await moves.finish(stored(lost))  # late, and too late to change anything
    assert (await moves.job()).stored == 1


async def test_a_sign_of_life_renews_the_lease(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    moves.now_ms += TERMS.lease_ms - 1
    await moves.finish(replace(unfinished(transfer), final=False))
    moves.now_ms += TERMS.lease_ms - 1
    await moves.sweep()
    assert await moves.transfers() == []


@pytest.mark.parametrize("jump_ms", [DAY_MS, -DAY_MS])
async def test_leases_and_rests_survive_a_clock_that_jumps(moves: Ledger, jump_ms: int) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    await moves.transfers()
    moves.now_ms += jump_ms
    await moves.sweep()
    assert len(await moves.dispatch()) == 2  # the page and the batch, both at once


async def test_a_batch_that_never_comes_back_is_set_aside(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    for _ in range(TERMS.tries_max):
        assert len(await moves.transfers()) == 1
        moves.now_ms += TERMS.lease_ms
        await moves.sweep()
    job = await moves.job()
    assert (job.state, job.failed) == (JobState.COMPLETED, 1)


async def test_a_file_that_loses_whoever_has_it_is_set_aside_and_takes_none_along(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", "killer", "z")
    for _ in range(TERMS.tries_max + TERMS.apart_tries):
        for transfer in await moves.transfers():
            if "killer" not in [parcel.file_id for parcel in transfer.parcels]:
                await moves.finish(stored(transfer))
        moves.now_ms += TERMS.lease_ms
        await moves.sweep()
    job = await moves.job()
    assert (job.state, job.stored, job.failed) == (JobState.COMPLETED, 2, 1)
    causes = await moves.catalog.read(lambda tx: items.causes(tx, job_id=job.id, state=ItemState.FAILED))
    assert causes == {Reason.POISON: 1}


async def test_what_was_given_back_too_often_is_not_given_out_before_it_is_set_aside(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    for _ in range(TERMS.tries_max):
        (lost,) = await moves.transfers()
        await moves.finish(replace(unfinished(lost), lost=True))
    assert await moves.transfers() == []
    await moves.sweep()
    assert (await moves.job()).failed == 1


async def test_a_page_that_never_comes_back_is_set_aside_and_its_job_says_so(moves: Ledger) -> None:
    for _ in range(TERMS.tries_max):
        await moves.crawl()
        moves.now_ms += TERMS.lease_ms
        await moves.sweep()
    job = await moves.job()
    assert (job.state, job.reason) == (JobState.FAILED, Reason.POISON)


async def test_the_window_bounds_what_is_in_flight(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), *(f"f{number:03}" for number in range(350)))
    given_out = await moves.transfers()
    assert [len(transfer.parcels) for transfer in given_out] == [100, 100]
    assert await moves.transfers() == []
    await moves.finish(stored(given_out[0]))
    assert [len(transfer.parcels) for transfer in await moves.transfers()] == [100]


async def test_small_folders_share_a_batch_that_was_not_given_out(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), *(f"x{number}" for number in range(200)), next_page_token="2")
    second, *full_window = await moves.dispatch()
    assert isinstance(second, Crawl)
    assert len(full_window) == TERMS.batches_in_flight_max
    await moves.advance(second, "a", "b", next_page_token="3")
    await moves.advance(await moves.crawl(), "c")
    count = await moves.catalog.read(
        lambda tx: tx.execute(select(func.count()).select_from(batches).where(batches.c.files == 3)).scalar_one()
    )
    assert count == 1


async def test_a_rejected_page_token_starts_the_folder_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    await moves.stumble(await moves.crawl(), PageTokenError(Reason.REJECTED, "stale"))
    moves.now_ms += TERMS.again_ms_max
    again = await moves.crawl()
    assert again.page_token is None
    await moves.advance(again, "a", "b")
    assert (await moves.job()).discovered == 2


async def test_pages_that_lead_in_circles_come_to_an_end(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    pages = 1
    while (await moves.job()).open_folders:
        await moves.advance(await moves.crawl(), "a", next_page_token=("2", "3")[pages % 2])
        pages += 1
        assert pages < 20
    causes = await moves.catalog.read(lambda tx: items.causes(tx, job_id=moves.job_id, state=ItemState.FAILED))
    assert causes == {Reason.LISTING_INCOMPLETE: 1}


async def test_a_root_that_is_not_found_fails_its_job_with_the_sentence(moves: Ledger) -> None:
    await moves.stumble(await moves.crawl(), NotFoundError(Reason.FOLDER_NOT_FOUND, "Not public."))
    job = await moves.job()
    assert (job.state, job.reason, job.detail) == (JobState.FAILED, Reason.FOLDER_NOT_FOUND, "Not public.")


async def test_a_sub_folder_that_is_lost_is_an_item_that_failed(moves: Ledger) -> None:
    sub = SubFolder(folder=Folder(id="sub", name="Sub"), path="Sub")
    link = SubFolder(folder=Folder(id="link", name="Link"), path="Link", by_shortcut=True)
    await moves.advance(await moves.crawl(), subfolders=(sub, link))
    for crawl in await moves.dispatch():
        assert isinstance(crawl, Crawl)
        await moves.stumble(crawl, NotFoundError(Reason.GONE, "gone"))
    job = await moves.job()
    assert (job.state, job.discovered, job.failed, job.skipped) == (JobState.COMPLETED, 2, 1, 1)


async def test_a_job_that_is_blocked_waits_and_tries_again(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    await moves.finish(replace(unfinished(transfer), blocked=Reason.STORE_FULL, blocked_detail="full"))
    job = await moves.job()
    assert (job.state, job.reason, job.detail) == (JobState.WAITING, Reason.STORE_FULL, "full")
    assert await moves.dispatch() == []
    moves.now_ms += TERMS.probe_ms
    await moves.sweep()
    (again,) = await moves.transfers()
    await moves.finish(stored(again))
    assert (await moves.job()).state is JobState.COMPLETED


async def test_what_a_dead_process_had_in_flight_is_reclaimed_at_once(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a", next_page_token="2")
    assert len(await moves.dispatch()) == 2
    await moves.catalog.write(lambda tx: reclaim(tx, job_ids=[moves.job_id]))
    assert len(await moves.dispatch()) == 2


async def test_a_terminal_job_never_changes_by_itself(moves: Ledger) -> None:
    root = await moves.crawl()
    await moves.advance(root)
    ended = await moves.job()
    late: list[Message] = [root]
    for message in late:
        assert isinstance(message, Crawl)
        await moves.advance(message, "late")
        await moves.stumble(message, TransientError(Reason.SOURCE_UNAVAILABLE, "late"))
    moves.now_ms += DAY_MS
    assert await moves.sweep() == []
    assert await moves.job() == ended


async def test_the_same_request_while_the_first_is_under_way_is_the_same_job(moves: Ledger) -> None:
    locator = FolderRef(source="memory", folder_id="root")
    same, new = await submit(locator, catalog=moves.catalog, store_url=STORE, options=JobOptions())
    assert (same.id, new) == (moves.job_id, False)
    other, new = await submit(locator, catalog=moves.catalog, store_url=STORE, options=JobOptions(recursive=False))
    assert new
    assert other.id != moves.job_id


async def test_the_same_request_by_several_at_once_is_one_job(catalog: Catalog) -> None:
    for folder_id in ("first", "second"):
        locator = FolderRef(source="memory", folder_id=folder_id)
        asked = [submit(locator, catalog=catalog, store_url=STORE, options=JobOptions()) for _ in range(4)]
        begun = await asyncio.gather(*asked)
        assert len({job.id for job, _ in begun}) == 1
        assert [new for _, new in begun].count(True) == 1
        (job, _), *_ = begun
        await catalog.write(lambda tx, job_id=job.id: job_actions.cancel(tx, job_id))  # type: ignore[misc]
        _, new = await submit(locator, catalog=catalog, store_url=STORE, options=JobOptions())
        assert new


async def test_a_changed_file_keeps_its_record(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), "a")
    (transfer,) = await moves.transfers()
    await moves.finish(stored(transfer))
    (before,) = await moves.catalog.read(lambda tx: records.after(tx, image_id=0, limit=10))
    job, _ = await submit(
        FolderRef(source="memory", folder_id="root"), catalog=moves.catalog, store_url=STORE, options=JobOptions()
    )
    second = Ledger(moves.catalog, job)
    await second.advance(await second.crawl(), "a")
    (transfer,) = await second.transfers()
    outcome = replace(stored(transfer).outcomes[0], md5="e", size_bytes=11)
    await second.finish(replace(stored(transfer), outcomes=(outcome,)))
    (after,) = await moves.catalog.read(lambda tx: records.after(tx, image_id=0, limit=10))
    assert (after.id, after.created_at, after.md5, after.size_bytes) == (before.id, before.created_at, "e", 11)
    assert after.job_id == job.id


async def test_two_writers_at_one_row_take_turns(moves: Ledger) -> None:
    await moves.advance(await moves.crawl(), *(f"f{number}" for number in range(50)))
    (transfer,) = await moves.transfers()
    halves = [replace(transfer, parcels=transfer.parcels[:30]), replace(transfer, parcels=transfer.parcels[20:])]
    await asyncio.gather(*(moves.finish(stored(half, final=False)) for half in halves))
    assert (await moves.job()).stored == 50


async def test_who_falls_silent_in_a_transaction_holds_nobody_up_for_long(catalog: Catalog, moves: Ledger) -> None:
    if catalog.engine.dialect.name == "sqlite":
        pytest.skip("SQLite serves one machine, and has no server that could end a transaction.")
    holds, thaws = threading.Event(), threading.Event()
    silent = Catalog(catalog.url.render_as_string(hide_password=False), silent_s=1)

    def freezes(tx: Tx) -> None:
        jobs.get(tx, moves.job_id, lock=True)
        holds.set()
        thaws.wait()
        job_actions.prioritise(tx, moves.job_id, priority=1)

    frozen = asyncio.create_task(silent.write(freezes))
    await asyncio.to_thread(holds.wait)
    await catalog.write(lambda tx: job_actions.prioritise(tx, moves.job_id, priority=2))
    thaws.set()
    await frozen
    await silent.close()

    assert (await moves.job()).priority == 1  # it was rolled back, and did it again


async def test_a_write_that_breaks_off_leaves_nothing(moves: Ledger) -> None:
    def broken(tx: Tx) -> None:
        tx.execute(update(folders).values(state=LedgerState.DONE))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is ours
        await moves.catalog.write(broken)
    assert await moves.crawl()


async def test_the_migrations_make_what_the_tables_tell(catalog: Catalog) -> None:
    differences = await catalog.read(lambda tx: compare_metadata(MigrationContext.configure(tx), metadata))
    # MariaDB keeps JSON as text, and tells it so.
    kinds = {difference[0][0] if isinstance(difference, list) else difference[0] for difference in differences}
    assert kinds <= ({"modify_type"} if catalog.engine.dialect.name in {"mysql", "mariadb"} else set())


async def test_a_new_sqlite_file_has_the_schema_that_the_migrations_make(tmp_path: Path) -> None:
    def begun_by_alembic(tx: Tx) -> None:
        tx.execute(text("CREATE TABLE other (id INTEGER)"))

    def schema(tx: Tx) -> dict[str, list[str]]:
        rows = tx.execute(text("SELECT name, sql FROM sqlite_master WHERE name != 'other'"))
        # A column that was added later stands behind the keys.
        return {row.name: sorted(re.split(r",\s+", (row.sql or "").rstrip(") \n"))) for row in rows}

    schemas = []
    for name, begin in (("new", None), ("migrated", begun_by_alembic)):
        made = Catalog(f"sqlite:///{tmp_path / name}")
        if begin is not None:
            await made.write(begin)
        assert await migrate(made)
        assert not await migrate(made)
        schemas.append(await made.read(schema))
        await made.close()
    assert schemas[0] == schemas[1]


async def test_a_migration_that_was_killed_is_completed_by_the_next(catalog: Catalog) -> None:
    def undo_half(tx: Tx) -> None:
        tx.execute(text("DELETE FROM alembic_version"))
        tx.execute(text("DROP TABLE images"))
        for index in metadata.tables["jobs"].indexes:
            index.drop(tx)

    await catalog.write(undo_half)
    assert await migrate(catalog)
    assert not await migrate(catalog)
    assert await catalog.read(records.count) == 0


async def test_migrations_that_are_slow_to_commit_are_not_run_beside_others(catalog: Catalog) -> None:
    def undo_the_last(tx: Tx) -> None:
        tx.execute(text("UPDATE alembic_version SET version_num = '0002'"))

    def commit_slowly(_: Connection) -> None:
        time.sleep(0.5)

    await catalog.write(undo_the_last)
    beside = Catalog(catalog.url.render_as_string(hide_password=False))
    for each in (catalog, beside):
        event.listen(each.engine, "commit", commit_slowly)
    ran = await asyncio.gather(migrate(catalog), migrate(beside))
    assert any(ran)
    assert not await migrate(beside)
    await beside.close()


async def test_migrations_that_take_too_long_are_not_waited_for_by_others(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    if catalog.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite lets one write at a time by itself.")
    monkeypatch.setattr(migration, "_TURN_S", 1)

    def undo_the_last(tx: Tx) -> None:
        tx.execute(text("UPDATE alembic_version SET version_num = '0002'"))

    def migrate_slowly(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("UPDATE alembic_version"):
            begun.set()
            ended.wait(timeout=30)

    begun, ended = threading.Event(), threading.Event()
    await catalog.write(undo_the_last)
    beside = Catalog(catalog.url.render_as_string(hide_password=False))
    event.listen(catalog.engine, "before_cursor_execute", migrate_slowly)
    migrating = asyncio.create_task(migrate(catalog))
    assert await asyncio.to_thread(begun.wait, 30)
    with pytest.raises(FatalError, match="Another process has been migrating it for 1 seconds"):
        await migrate(beside)
    ended.set()
    assert await migrating
    assert not await migrate(beside)
    await beside.close()
