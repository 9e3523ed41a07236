"""What every catalog holds to: lists of images are what going through all of them one by one tells."""

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
from imageferry.catalog.database.tables import images, words
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.counter_rebuild import recount
from imageferry.catalog.images.counters import BLOCK
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import USUAL, Listing, Reach, Total
from imageferry.errors import UsageError
from tests.drivers.image_records import TAKEN_AT, Recorder, file, taken
from tests.servers.databases import database

CAMERAS = (None, "Canon EOS", "canon eos", "Été 3")
TYPES = ("image/jpeg", "image/png", "image/heif")
NAMES = ("IMG_{}.jpg", "Été à la mer {}.JPG", "50%_off {}", "京都 {}.png", "ete {}")
DAY = TAKEN_AT.date()


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog of each kind in turn, of 240 images in three folders."""
    with database(request.param, tmp_path_factory.mktemp("library")) as url:
        catalog = Catalog(url, patience_s=5)
        asyncio.run(_fill(catalog))
        yield catalog
        asyncio.run(catalog.close())


async def _fill(catalog: Catalog) -> None:
    await migrate(catalog)
    recorder, rnd = Recorder(catalog=catalog), Random(7)
    for folder in ("one", "two", "three"):
        files = [
            file(
                f"{folder}-{number}",
                rnd.choice(NAMES).format(rnd.randrange(30)),
                size_bytes=rnd.randrange(5) * 100,
                mime_type=rnd.choice(TYPES),
                taken_at=rnd.choice((None, taken(rnd.randrange(40)))),
                camera=rnd.choice(CAMERAS),
                latitude=rnd.choice((None, 47.0)),
                longitude=8.0,
            )
            for number in range(80)
        ]
        await recorder.store(*files, folder_id=folder)
    await catalog.write(_spread)


def _spread(tx: Tx) -> None:
    """Let the ids lie apart, over several blocks, as they do after many deletions."""
    for column in (images.c.id, words.c.image_id):
        tx.execute(update(column.table).values({column: column * BLOCK // 40 + 1_000_000}))
    recount(tx)


FILTERS: dict[str, tuple[Filter, Callable[[Row[Any]], bool]]] = {
    "everything": (Filter(), lambda _: True),
    "a folder": (Filter(folder_id="two"), lambda row: row.folder_id == "two"),
    "a camera, whose case tells": (Filter(camera="canon eos"), lambda row: row.camera == "canon eos"),
    "types": (Filter(mime_types=TYPES[:2]), lambda row: row.mime_type in TYPES[:2]),
    "located": (Filter(located=True), lambda row: row.latitude is not None),
    "not located": (Filter(located=False), lambda row: row.latitude is None),
    "sizes": (Filter(size_min_bytes=100, size_max_bytes=300), lambda row: 100 <= row.size_bytes <= 300),
    "days": (
        Filter(shown_from=DAY + timedelta(days=3), shown_to=DAY + timedelta(days=20)),
        lambda row: DAY + timedelta(days=3) <= row.shown_at.date() <= DAY + timedelta(days=20),
    ),
    "a folder's days": (
        Filter(folder_id="one", shown_to=DAY + timedelta(days=20)),
        lambda row: row.folder_id == "one" and row.shown_at.date() <= DAY + timedelta(days=20),
    ),
    "a word": (Filter(words=["été"]), lambda row: "été" in name_tokens.words(row.name)),
    "a word that is begun": (
        Filter(words=["1"]),
        lambda row: any(w.startswith("1") for w in name_tokens.words(row.name)),
    ),
    "words": (Filter(words=["img", "2"]), lambda row: "img" in (w := name_tokens.words(row.name)) and _begun(w, "2")),
    "several things": (
        Filter(folder_id="one", camera="Canon EOS", located=True, words=["img"]),
        lambda row: (
            (row.folder_id, row.camera) == ("one", "Canon EOS")
            and row.latitude is not None
            and _begun(name_tokens.words(row.name), "img")
        ),
    ),
    "nothing that is there": (Filter(camera="none such"), lambda _: False),
    "a search without words": (Filter(words=[]), lambda _: False),
}


def _begun(words: Sequence[str], prefix: str) -> bool:
    return any(word.startswith(prefix) for word in words)


def _expected(rows: Sequence[Row[Any]], fits: Callable[[Row[Any]], bool], sort: Sort) -> list[int]:
    def key(row: Row[Any]) -> tuple[Any, int]:
        # As the databases compare: MySQL takes no notice of blanks at the end.
        value = getattr(row, sort.column.name)
        return (value.rstrip().encode() if isinstance(value, str) else value), row.id

    return [row.id for row in sorted(filter(fits, rows), key=key, reverse=sort.descending)]


# Both ways that a list is made in: as if what is asked for were rare, and as if it were common.
REACHES = {
    "few": USUAL,
    "many": Reach(few=0, passed=3),
    "many, by short stretches": Reach(few=0, passed=3, looked_at=7, keys=11, stored=5),
}


@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
@pytest.mark.parametrize("name", FILTERS)
async def test_pages_and_positions_tell_the_same_in_every_order(library: Catalog, name: str, reach: Reach) -> None:
    wanted, fits = FILTERS[name]

    def look(tx: Tx) -> None:
        rows = tx.execute(select(images)).all()
        for sort in Sort:
            expected = _expected(rows, fits, sort)
            if reach.looked_at > len(rows):
                assert _by_pages(tx, wanted, sort, reach) == expected
            assert _by_positions(tx, wanted, sort, reach) == expected
        assert Listing(tx, wanted, reach=reach).total() == Total(images=len(expected))

    await library.read(look)


def _by_pages(tx: Tx, wanted: Filter, sort: Sort, reach: Reach) -> list[int]:
    found: list[int] = []
    while rows := Listing(tx, wanted, reach=reach).page(sort, limit=37, offset=len(found)):
        found += [row.id for row in rows]
    return found


def _by_positions(tx: Tx, wanted: Filter, sort: Sort, reach: Reach) -> list[int]:
    stretch = Listing(tx, wanted, reach=reach).after(sort, limit=41)
    found = [row.id for row in stretch.rows]
    while stretch.end is not None:
        stretch = Listing(tx, wanted, reach=reach).after(sort, limit=41, at=stretch.end)
        found += [row.id for row in stretch.rows]
    return found


async def test_a_total_that_takes_too_long_is_at_least_what_was_seen(library: Catalog) -> None:
    reach = Reach(few=0, newest=20, of_word=20)
    for wanted in (Filter(size_min_bytes=100), Filter(words=["jpg"]), Filter(camera="Canon EOS", located=True)):
        total = await library.read(lambda tx, wanted=wanted: Listing(tx, wanted, reach=reach).total())  # type: ignore[misc]
        assert not total.exact
        assert 0 < total.images <= 20


@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
async def test_every_two_conditions_fit_together(library: Catalog, reach: Reach) -> None:
    some = [FILTERS[name] for name in ("a folder", "types", "located", "sizes", "days", "a word that is begun")]

    def look(tx: Tx) -> None:
        rows = tx.execute(select(images)).all()
        for (one, fits), (other, fits_too) in product(some, some):
            given = {name: value for name in Filter.__struct_fields__ if (value := getattr(other, name))}
            both = replace(one, **given)
            expected = _expected(rows, lambda row, a=fits, b=fits_too: a(row) and b(row), Sort.SHOWN_DESC)  # type: ignore[misc]
            assert _by_positions(tx, both, Sort.SHOWN_DESC, reach) == expected

    await library.read(look)


async def test_what_would_take_too_long_to_find_is_refused(library: Catalog) -> None:
    reach = Reach(few=0, looked_at=50)

    def look(tx: Tx, wanted: Filter, sort: Sort, offset: int) -> list[int]:
        return [row.id for row in Listing(tx, wanted, reach=reach).page(sort, limit=5, offset=offset)]

    for wanted, sort, near, far in (
        (Filter(folder_id="one"), Sort.SIZE, 5, 40),
        (Filter(camera="Canon EOS"), Sort.NAME, 3, 30),
        (Filter(words=["i"]), Sort.SHOWN, 2, 30),
    ):
        assert await library.read(partial(look, wanted=wanted, sort=sort, offset=near))
        with pytest.raises(UsageError, match="by cursors"):
            await library.read(partial(look, wanted=wanted, sort=sort, offset=far))
    assert await library.read(partial(look, wanted=Filter(), sort=Sort.SIZE, offset=200))
    for sort in (Sort.SHOWN, Sort.NAME, Sort.CREATED):
        assert await library.read(partial(look, wanted=Filter(folder_id="one"), sort=sort, offset=70))
    assert await library.read(partial(look, wanted=Filter(camera="Canon EOS"), sort=Sort.CREATED, offset=30))
