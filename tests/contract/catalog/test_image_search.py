"""Image search on every catalog: each plan returns what checking all images one by one returns."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Row, select, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import image_words, images
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.counter_rebuild import rebuild
from imageferry.catalog.images.counters import BLOCK_SIZE
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import DEFAULT_LIMITS, ImageSearch, ScanLimits, Total
from imageferry.errors import UsageError
from tests.drivers.image_records import TAKEN_AT, ImageRecorder, image_file, taken_on_day
from tests.servers.databases import database

CAMERAS = (None, "Canon EOS", "canon eos", "Été 3")
TYPES = ("image/jpeg", "image/png", "image/heif")
NAMES = ("IMG_{}.jpg", "Été à la mer {}.JPG", "50%_off {}", "京都 {}.png", "ete {}")
DAY = TAKEN_AT.date()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog of 240 images in three folders, on each database in turn."""
    with database(request.param, tmp_path_factory.mktemp("catalog")) as url:
        opened = Catalog(url, retry_timeout_s=5)
        asyncio.run(_fill(opened))
        yield opened
        asyncio.run(opened.close())


async def _fill(catalog: Catalog) -> None:
    await migrate(catalog)
    recorder, rnd = ImageRecorder(catalog=catalog), Random(7)
    for folder in ("one", "two", "three"):
        files = [
            image_file(
                f"{folder}-{number}",
                rnd.choice(NAMES).format(rnd.randrange(30)),
                size_bytes=rnd.randrange(5) * 100,
                mime_type=rnd.choice(TYPES),
                taken_at=rnd.choice((None, taken_on_day(rnd.randrange(40)))),
                camera=rnd.choice(CAMERAS),
                latitude=rnd.choice((None, 47.0)),
                longitude=8.0,
            )
            for number in range(80)
        ]
        await recorder.store(*files, folder_id=folder)
    await catalog.write(_spread_ids)


def _spread_ids(tx: Tx) -> None:
    """Spread the ids over several blocks, with gaps, as after many deletions."""
    for column in (images.c.id, image_words.c.image_id):
        tx.execute(update(column.table).values({column: column * BLOCK_SIZE // 40 + 1_000_000}))
    rebuild(tx)


def _has_prefix(words: Sequence[str], prefix: str) -> bool:
    return any(word.startswith(prefix) for word in words)


FILTERS: dict[str, tuple[Filter, Callable[[Row[Any]], bool]]] = {
    "everything": (Filter(), lambda _: True),
    "a folder": (Filter(folder_id="two"), lambda row: row.folder_id == "two"),
    "a camera, case-sensitively": (Filter(camera="canon eos"), lambda row: row.camera == "canon eos"),
    "types": (Filter(mime_types=TYPES[:2]), lambda row: row.mime_type in TYPES[:2]),
    "with a location": (Filter(has_location=True), lambda row: row.latitude is not None),
    "without a location": (Filter(has_location=False), lambda row: row.latitude is None),
    "sizes": (Filter(size_min_bytes=100, size_max_bytes=300), lambda row: 100 <= row.size_bytes <= 300),
    "days": (
        Filter(date_from=DAY + timedelta(days=3), date_to=DAY + timedelta(days=20)),
        lambda row: DAY + timedelta(days=3) <= row.sort_date.date() <= DAY + timedelta(days=20),
    ),
    "a folder's days": (
        Filter(folder_id="one", date_to=DAY + timedelta(days=20)),
        lambda row: row.folder_id == "one" and row.sort_date.date() <= DAY + timedelta(days=20),
    ),
    "a word": (Filter(words=["été"]), lambda row: "été" in name_tokens.tokenize(row.name)),
    "a prefix": (Filter(words=["1"]), lambda row: _has_prefix(name_tokens.tokenize(row.name), "1")),
    "a word and a prefix": (
        Filter(words=["img", "2"]),
        lambda row: "img" in (words := name_tokens.tokenize(row.name)) and _has_prefix(words, "2"),
    ),
    "several conditions": (
        Filter(folder_id="one", camera="Canon EOS", has_location=True, words=["img"]),
        lambda row: (
            (row.folder_id, row.camera) == ("one", "Canon EOS")
            and row.latitude is not None
            and _has_prefix(name_tokens.tokenize(row.name), "img")
        ),
    ),
    "an unknown camera": (Filter(camera="none such"), lambda _: False),
    "a search without words": (Filter(words=[]), lambda _: False),
}


def _expected_ids(rows: Sequence[Row[Any]], matches: Callable[[Row[Any]], bool], sort: Sort) -> list[int]:
    def key(row: Row[Any]) -> tuple[Any, int]:
        # As the databases compare: MySQL ignores trailing blanks.
        value = getattr(row, sort.column.name)
        return (value.rstrip().encode() if isinstance(value, str) else value), row.id

    return [row.id for row in sorted(filter(matches, rows), key=key, reverse=sort.is_descending)]


# Limits that choose each plan: as if every condition were rare, and as if every condition were common.
LIMITS = {
    "rare": DEFAULT_LIMITS,
    "common": ScanLimits(candidates_max=0, uncounted_offset_max=3),
    "common, by short scans": ScanLimits(
        candidates_max=0, uncounted_offset_max=3, scanned_max=7, name_keys_max=11, scanned_by_id_max=5
    ),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("name", FILTERS)
async def test_pages_by_offset_and_by_position_return_the_same_in_every_order(
    catalog: Catalog, name: str, limits: ScanLimits
) -> None:
    image_filter, matches = FILTERS[name]

    def check(tx: Tx) -> None:
        rows = tx.execute(select(images)).all()
        for sort in Sort:
            expected = _expected_ids(rows, matches, sort)
            if limits.scanned_max > len(rows):
                assert _ids_by_offset(tx, image_filter, sort, limits) == expected
            assert _ids_by_position(tx, image_filter, sort, limits) == expected
        assert ImageSearch.open(tx, image_filter, limits=limits).total() == Total(images=len(expected))

    await catalog.read(check)


def _ids_by_offset(tx: Tx, image_filter: Filter, sort: Sort, limits: ScanLimits) -> list[int]:
    found: list[int] = []
    while rows := ImageSearch.open(tx, image_filter, limits=limits).page(sort, limit=37, offset=len(found)):
        found += [row.id for row in rows]
    return found


def _ids_by_position(tx: Tx, image_filter: Filter, sort: Sort, limits: ScanLimits) -> list[int]:
    page = ImageSearch.open(tx, image_filter, limits=limits).page_after(sort, limit=41)
    found = [row.id for row in page.rows]
    while page.next_position is not None:
        search = ImageSearch.open(tx, image_filter, limits=limits)
        page = search.page_after(sort, limit=41, after=page.next_position)
        found += [row.id for row in page.rows]
    return found


async def test_a_total_that_would_take_too_long_is_a_lower_limit(catalog: Catalog) -> None:
    limits = ScanLimits(candidates_max=0, newest_max=20, word_total_max=20)

    def total(tx: Tx, image_filter: Filter) -> Total:
        return ImageSearch.open(tx, image_filter, limits=limits).total()

    for image_filter in (
        Filter(size_min_bytes=100),
        Filter(words=["jpg"]),
        Filter(camera="Canon EOS", has_location=True),
    ):
        found = await catalog.read(partial(total, image_filter=image_filter))
        assert not found.exact
        assert 0 < found.images <= 20


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
async def test_any_two_conditions_can_be_combined(catalog: Catalog, limits: ScanLimits) -> None:
    conditions = [FILTERS[name] for name in ("a folder", "types", "with a location", "sizes", "days", "a prefix")]

    def check(tx: Tx) -> None:
        rows = tx.execute(select(images)).all()
        for (one, matches_one), (other, matches_other) in product(conditions, conditions):
            fields = {name: value for name in Filter.__struct_fields__ if (value := getattr(other, name))}
            both = replace(one, **fields)
            expected = _expected_ids(
                rows,
                lambda row, one=matches_one, other=matches_other: one(row) and other(row),  # type: ignore[misc]
                Sort.DATE_DESC,
            )
            assert _ids_by_position(tx, both, Sort.DATE_DESC, limits) == expected

    await catalog.read(check)


async def test_an_offset_that_would_take_too_long_to_reach_is_refused(catalog: Catalog) -> None:
    limits = ScanLimits(candidates_max=0, scanned_max=50)

    def page(tx: Tx, image_filter: Filter, sort: Sort, offset: int) -> list[int]:
        search = ImageSearch.open(tx, image_filter, limits=limits)
        return [row.id for row in search.page(sort, limit=5, offset=offset)]

    for image_filter, sort, near, far in (
        (Filter(folder_id="one"), Sort.SIZE, 5, 40),
        (Filter(camera="Canon EOS"), Sort.NAME, 3, 30),
        (Filter(words=["i"]), Sort.DATE, 2, 30),
    ):
        assert await catalog.read(partial(page, image_filter=image_filter, sort=sort, offset=near))
        with pytest.raises(UsageError, match="Use cursors"):
            await catalog.read(partial(page, image_filter=image_filter, sort=sort, offset=far))
    assert await catalog.read(partial(page, image_filter=Filter(), sort=Sort.SIZE, offset=200))
    for sort in (Sort.DATE, Sort.NAME, Sort.CREATED):
        assert await catalog.read(partial(page, image_filter=Filter(folder_id="one"), sort=sort, offset=70))
    assert await catalog.read(partial(page, image_filter=Filter(camera="Canon EOS"), sort=Sort.CREATED, offset=30))
