"""The whole flow on each kind of catalog."""

from pathlib import Path

import pytest

from imageferry.catalog.database.tables import images
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.servers.databases import database

NAMES = ["a.jpg", "A.jpg", "😀 写真.jpg", "quote's \"\\ %s.jpg", "line\nbreak.jpg", "x" * 5000 + ".jpg"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
async def test_the_flow_ends_the_same_on_every_catalog(kind: str, tree: Tree, flow: Flow, tmp_path: Path) -> None:
    with database(kind, tmp_path) as url:
        flow.given["database_url"] = url
        root = tree.folder("Holiday")
        for number in range(300):
            tree.file(root, f"{number}.jpg", content=b"%d" % number)
        named = [tree.file(root, name, content=name.encode()[:20]) for name in NAMES]

        first = await flow.run(root)
        await flow.holds_together(first)
        assert {row.name for row in await flow.rows(images)} >= set(NAMES)

        tree.replace_content(named[0], b"changed")
        again = await flow.run(root)
        assert (again.job.stored, again.job.unchanged) == (1, 305)
        await flow.holds_together(again)


async def test_postgresql_keeps_a_name_with_a_nul(tree: Tree, flow: Flow, tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as url:
        flow.given["database_url"] = url
        root = tree.folder("Holiday")
        tree.file(root, "nul\0.jpg", content=b"a")
        await flow.holds_together(await flow.run(root))
        (record,) = await flow.rows(images)
        assert record.name == "nul␀.jpg"
