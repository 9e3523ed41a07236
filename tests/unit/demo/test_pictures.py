"""The sample album, and folders of the user's own."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from imageferry.demo.entries import Node
from imageferry.demo.metadata import picture_metadata
from imageferry.demo.pictures.from_folder import pictures_from
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import Asker


@pytest.fixture(scope="module")
def album() -> tuple[Tree, Node]:
    tree = Tree()
    return tree, sample_album(tree)


def test_the_album_holds_pictures_of_every_kind_that_all_open(album: tuple[Tree, Node]) -> None:
    tree, _ = album
    kinds = set()
    for node in tree.files():
        assert node.content is not None
        if node.mime_type in {"image/svg+xml", "text/plain"}:
            continue
        with Image.open(io.BytesIO(node.content.read(0, node.content.size_bytes))) as image:
            image.load()
            assert 400 <= max(image.size) <= 1600
            kinds.add((image.format, getattr(image, "is_animated", False)))

    assert {("JPEG", False), ("PNG", False), ("WEBP", False), ("GIF", True), ("TIFF", False)} <= kinds
    assert len(list(tree.files())) > 60


def test_the_album_is_the_same_every_time(album: tuple[Tree, Node]) -> None:
    tree, _ = album
    again = Tree()
    sample_album(again)

    assert [digest(node) for node in tree.files()] == [digest(node) for node in again.files()]


def test_the_album_holds_what_makes_folders_hard(album: tuple[Tree, Node]) -> None:
    tree, root = album
    (odd,) = [node for node in tree.children(root) if node.name == "Curiosities"]
    held = [node.name for node in tree.children(odd)]

    assert len(held) > len(set(held))
    assert any("/" in name and "\n" in name for name in held)
    assert any(node.target is not None and node.target.id == root.id for node in tree.children(odd))
    assert any(node.is_native for node in tree.children(odd))


def test_a_cameras_data_is_told_as_drive_tells_it(album: tuple[Tree, Node]) -> None:
    tree, root = album
    (sea,) = [node for node in tree.children(root) if node.name == "By the sea"]
    first, *_, fifth = list(tree.children(sea))[:5]
    assert first.content is not None
    assert fifth.content is not None

    told = first.content.picture
    assert told is not None
    assert told["cameraMake"] == "Apple"
    assert told["time"] == "2025:01:03 19:40:21"
    assert told["location"] == pytest.approx({"latitude": -33.89, "longitude": 151.28, "altitude": 4.5}, abs=0.02)
    assert (fifth.content.picture or {})["rotation"] == 1


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff\xe1\xff\xff", b"not a picture"])
def test_what_is_no_picture_tells_nothing(data: bytes) -> None:
    assert picture_metadata(data) is None


async def test_a_folder_of_this_machine_is_served_as_if_it_were_on_drive(
    tree: Tree, asker: Asker, tmp_path: Path
) -> None:
    offered = tmp_path / "Holiday"
    (offered / "Day 1").mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(offered / "Day 1" / "a.png")
    (offered / "raw.cr3").write_bytes(b"raw")
    (offered / ".hidden.jpg").write_bytes(b"hidden")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (offered / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (offered / "circle").symlink_to(offered, target_is_directory=True)
    os.utime(offered / "raw.cr3", (1_750_000_000, 1_750_000_000))

    root = pictures_from(offered, tree=tree)
    day, raw = tree.children(root)
    fields = "files(name,md5Checksum,modifiedTime,mimeType,imageMediaMetadata(width,height))"
    (shown,) = (await asker.list(day, fields=fields)).json["files"]

    assert (root.name, day.name, raw.name) == ("Holiday", "Day 1", "raw.cr3")
    assert shown["imageMediaMetadata"] == {"width": 30, "height": 20}
    assert shown["mimeType"] == "image/png"
    assert (await asker.media(raw)).body == b"raw"
    assert raw.modified_at.timestamp() == 1_750_000_000


def test_what_is_no_folder_cannot_be_served(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NotADirectoryError):
        pictures_from(tmp_path / "file", tree=tree)
    with pytest.raises(FileNotFoundError):
        pictures_from(tmp_path / "missing", tree=tree)


def digest(node: Node) -> str:
    assert node.content is not None
    return node.content.digest("md5")
