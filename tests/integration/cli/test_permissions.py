"""What imageferry writes is its owner's alone, whatever the shell's umask is."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from imageferry.bootstrap.home import create_home
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.engine.lock import EngineLock
from tests.drivers.log_events import capture_log_events
from tests.drivers.pictures import encode_image, four_color_image
from tests.drivers.shell import Shell


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[str]:
    """Return the permissions of everything in a folder, in octal."""
    return {f"{S_IMODE(path.stat().st_mode):o}" for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("umask", "objects"), [("", {"700", "600"}), ("027", {"750", "640"}), ("0077", {"700", "600"})]
)
async def test_an_import_leaves_nothing_open(
    drive: DriveTestServer, tree: Tree, tmp_path: Path, umask: str, objects: set[str]
) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=encode_image(four_color_image(), "JPEG"), mime_type="image/jpeg")
    shell = Shell(drive, tmp_path / "new" / "home")
    store, receipt = tmp_path / "store", tmp_path / "new" / "receipt.csv"
    receipt.parent.mkdir(0o700)
    result = await shell(
        "import", drive.folder_url(root), "--manifest", str(receipt), STORE_URL=str(store), IMAGEFERRY_UMASK=umask
    )
    assert result.code == 0, result.stderr
    assert modes(tmp_path / "new" / "home") == {"600"}
    assert S_IMODE(shell.home.stat().st_mode) == 0o700
    assert modes(store) == objects
    assert S_IMODE(store.stat().st_mode) == int(max(objects), 8)
    assert "open_to_all" not in result.stderr


async def test_the_database_and_the_files_beside_it_are_their_owners_in_any_program(tmp_path: Path) -> None:
    create_home(tmp_path / "home")
    catalog = Catalog(f"sqlite:///{tmp_path}/home/catalog.db")
    await migrate(catalog)
    lock = EngineLock(tmp_path / "home", catalog_url="x")
    assert lock.acquire()
    assert {path.name.partition("-")[2] for path in (tmp_path / "home").glob("catalog.db*")} == {"", "wal", "shm"}
    assert modes(tmp_path) == {"700", "600"}
    lock.release()
    await catalog.close()


@pytest.mark.parametrize(("mode", "warnings"), [(0o755, 1), (0o701, 1), (0o750, 0), (0o700, 0)])
def test_an_existing_home_that_all_can_open_is_reported_and_left_as_it_is(
    tmp_path: Path, mode: int, warnings: int
) -> None:
    (tmp_path / "home").mkdir(mode)
    with capture_log_events() as events:
        create_home(tmp_path / "home")
    assert [event["event"] for event in events] == ["home.open_to_all"] * warnings
    assert modes(tmp_path) == {f"{mode:o}"}
