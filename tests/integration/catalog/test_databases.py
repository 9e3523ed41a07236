"""Whole imports on each database."""

from pathlib import Path

import pytest

from imageferry.catalog.database.tables import images
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.servers.databases import database

NAMES = ["a.jpg", "A.jpg", "😀 写真.jpg", "quote's \"\\ %s.jpg", "line\nbreak.jpg", "x" * 5000 + ".jpg"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
async def test_an_import_has_the_same_result_on_every_database(
    dialect: str, tree: Tree, flow: ImportFlow, tmp_path: Path
) -> None:
    with database(dialect, tmp_path) as url:
        flow.setting_overrides["database_url"] = url
        root = tree.folder("Holiday")
        for number in range(300):
            tree.file(root, f"{number}.jpg", content=b"%d" % number)
        named = [tree.file(root, name, content=name.encode()[:20]) for name in NAMES]

        first = await flow.run(root)
        await flow.assert_consistent(first)
        assert {row.name for row in await flow.rows(images)} >= set(NAMES)

        tree.replace_content(named[0], b"changed")
        again = await flow.run(root)
        assert (again.job.stored, again.job.unchanged) == (1, 305)
        await flow.assert_consistent(again)


async def test_postgresql_stores_nul_in_a_name_as_its_symbol(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as url:
        flow.setting_overrides["database_url"] = url
        root = tree.folder("Holiday")
        tree.file(root, "nul\0.jpg", content=b"a")
        await flow.assert_consistent(await flow.run(root))
        (record,) = await flow.rows(images)
        assert record.name == "nul␀.jpg"
