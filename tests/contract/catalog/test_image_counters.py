"""What every catalog holds to: the account that is kept of its images is always what counting them tells."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import images, words
from imageferry.catalog.database.tables import tallies as tallies_table
from imageferry.catalog.images import counters, name_tokens
from imageferry.catalog.images import word_index as words_room
from imageferry.catalog.images.counter_rebuild import differences, fits, recount
from imageferry.catalog.images.counters import Kind, Tally
from tests.drivers.image_records import Recorder, file, taken
from tests.servers.databases import database


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
async def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Recorder]:
    """An empty catalog, of each kind in turn."""
    with database(request.param, tmp_path) as url:
        opened = Catalog(url, patience_s=5)
        await migrate(opened)
        yield Recorder(catalog=opened)
        await opened.close()


async def holds_together(catalog: Catalog) -> None:
    """Nothing but what counting tells, and the words of the names."""
    assert await catalog.read(differences) == set()
    assert await catalog.read(fits)
    rows = await catalog.read(lambda tx: tx.execute(select(images.c.id, images.c.name)).all())
    kept = await catalog.read(lambda tx: tx.execute(select(words.c.image_id, words.c.word)).all())
    assert sorted(map(tuple, kept)) == sorted(
        (image_id, word) for image_id, name in rows for word in name_tokens.words(name)
    )


async def test_new_changed_moved_and_renamed_files_are_counted_once(recorder: Recorder) -> None:
    first = (
        file("a", "Été à la mer.jpg", taken_at=taken(0), camera="Canon", latitude=47.0, longitude=8.0),
        file("b", mime_type="image/png", size_bytes=7),
        file("c", taken_at=taken(3), camera="canon"),
    )
    await recorder.store(*first)
    await holds_together(recorder.catalog)
    changed = file("a", "Winter.jpg", content=b"new", taken_at=taken(9), camera="Nikon", size_bytes=25)
    await recorder.store(changed, first[1], folder_id="other")
    await holds_together(recorder.catalog)
    assert await recorder.catalog.read(counters.total) == Tally(images=3, size_bytes=42)
    count = await recorder.catalog.read(lambda tx: counters.of(tx, Kind.CAMERA, ["Canon", "Nikon"]))
    assert count == Tally(images=1, size_bytes=25)


async def test_outcomes_told_twice_are_counted_once(recorder: Recorder) -> None:
    _, transfers = await recorder.begin(*(file(f"f{number}") for number in range(150)))
    await recorder.finish(transfers + transfers)
    await holds_together(recorder.catalog)


async def test_two_jobs_that_record_the_same_files_at_once_count_them_once(recorder: Recorder) -> None:
    files = [file(f"f{number:03}") for number in range(120)]
    crews = [await recorder.begin(*some) for some in (files, files[::-1], files)]
    await asyncio.gather(*(recorder.finish(transfers) for _, transfers in crews))
    await holds_together(recorder.catalog)
    assert (await recorder.catalog.read(counters.total)).images == 120


async def test_tallies_can_be_counted_anew(recorder: Recorder) -> None:
    await recorder.store(file("a", taken_at=taken(0), camera="Canon"), file("b"))
    await recorder.catalog.write(lambda tx: tx.execute(update(tallies_table).values(images=77)) and None)
    assert await recorder.catalog.read(differences)
    await recorder.catalog.write(recount)
    await holds_together(recorder.catalog)


async def test_a_name_of_many_words_is_searched_by_the_first(recorder: Recorder) -> None:
    name = " ".join(f"word{number}" for number in range(words_room.ROWS_MAX))
    await recorder.store(file("a", name))
    await holds_together(recorder.catalog)
