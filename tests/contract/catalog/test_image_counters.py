"""Counters and word index on every catalog: they always agree with the images."""

import asyncio

import pytest
from sqlalchemy import select, update

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import image_counts, image_words, images
from imageferry.catalog.images import counters, name_tokens, word_index
from imageferry.catalog.images.counter_rebuild import find_differences, rebuild, verify_sample
from imageferry.catalog.images.counters import Dimension, ImageCount
from tests.drivers.image_records import ImageRecorder, image_file, taken_on_day


@pytest.fixture
def recorder(catalog: Catalog) -> ImageRecorder:
    return ImageRecorder(catalog=catalog)


async def assert_consistent(catalog: Catalog) -> None:
    """Check every counter and every word against the images."""
    assert await catalog.read(find_differences) == set()
    assert await catalog.read(verify_sample)
    rows = await catalog.read(lambda tx: tx.execute(select(images.c.id, images.c.name)).all())
    words = await catalog.read(lambda tx: tx.execute(select(image_words.c.image_id, image_words.c.word)).all())
    assert sorted(map(tuple, words)) == sorted(
        (image_id, word) for image_id, name in rows for word in name_tokens.tokenize(name)
    )


async def test_new_changed_moved_and_renamed_files_are_counted_once(recorder: ImageRecorder) -> None:
    files = (
        image_file("a", "Été à la mer.jpg", taken_at=taken_on_day(0), camera="Canon", latitude=47.0, longitude=8.0),
        image_file("b", mime_type="image/png", size_bytes=7),
        image_file("c", taken_at=taken_on_day(3), camera="canon"),
    )
    await recorder.store(*files)
    await assert_consistent(recorder.catalog)
    changed = image_file("a", "Winter.jpg", content=b"new", taken_at=taken_on_day(9), camera="Nikon", size_bytes=25)
    await recorder.store(changed, files[1], folder_id="other")
    await assert_consistent(recorder.catalog)
    assert await recorder.catalog.read(counters.total) == ImageCount(images=3, size_bytes=42)
    count = await recorder.catalog.read(lambda tx: counters.count_of(tx, Dimension.CAMERA, ["Canon", "Nikon"]))
    assert count == ImageCount(images=1, size_bytes=25)


async def test_outcomes_that_are_recorded_twice_are_counted_once(recorder: ImageRecorder) -> None:
    _, transfers = await recorder.start(*(image_file(f"f{number}") for number in range(150)))
    await recorder.finish(transfers + transfers)
    await assert_consistent(recorder.catalog)


async def test_files_that_several_jobs_record_at_once_are_counted_once(recorder: ImageRecorder) -> None:
    files = [image_file(f"f{number:03}") for number in range(120)]
    imports = [await recorder.start(*listed) for listed in (files, files[::-1], files)]
    await asyncio.gather(*(recorder.finish(transfers) for _, transfers in imports))
    await assert_consistent(recorder.catalog)
    assert (await recorder.catalog.read(counters.total)).images == 120


async def test_wrong_counters_are_found_and_rebuilt(recorder: ImageRecorder) -> None:
    await recorder.store(image_file("a", taken_at=taken_on_day(0), camera="Canon"), image_file("b"))
    await recorder.catalog.write(lambda tx: tx.execute(update(image_counts).values(images=77)) and None)
    assert await recorder.catalog.read(find_differences)
    await recorder.catalog.write(rebuild)
    await assert_consistent(recorder.catalog)


async def test_a_name_of_many_words_is_indexed_by_its_first_words(recorder: ImageRecorder) -> None:
    name = " ".join(f"word{number}" for number in range(word_index.ROWS_MAX))
    await recorder.store(image_file("a", name))
    await assert_consistent(recorder.catalog)
