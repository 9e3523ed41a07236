"""Image metadata, and local folders."""

import os
from pathlib import Path

import pytest
from PIL import Image

from imageferry.demo.metadata import image_metadata
from imageferry.demo.pictures.from_folder import tree_from_folder
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import ApiClient


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff\xe1\xff\xff", b"not a picture"])
def test_an_invalid_image_has_no_metadata(data: bytes) -> None:
    assert image_metadata(data) is None


async def test_a_local_folder_is_served_without_hidden_files_and_links(
    tree: Tree, client: ApiClient, tmp_path: Path
) -> None:
    folder = tmp_path / "Holiday"
    (folder / "Day 1").mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(folder / "Day 1" / "a.png")
    (folder / "raw.cr3").write_bytes(b"raw")
    (folder / ".hidden.jpg").write_bytes(b"hidden")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "cycle").symlink_to(folder, target_is_directory=True)
    os.utime(folder / "raw.cr3", (1_750_000_000, 1_750_000_000))

    root = tree_from_folder(folder, tree=tree)
    day, raw = tree.children(root)
    fields = "files(name,md5Checksum,modifiedTime,mimeType,imageMediaMetadata(width,height))"
    (listed,) = (await client.list(day, fields=fields)).json["files"]

    assert (root.name, day.name, raw.name) == ("Holiday", "Day 1", "raw.cr3")
    assert listed["imageMediaMetadata"] == {"width": 30, "height": 20}
    assert listed["mimeType"] == "image/png"
    assert (await client.media(raw)).body == b"raw"
    assert raw.modified_at.timestamp() == 1_750_000_000


def test_anything_but_a_folder_is_rejected(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NotADirectoryError):
        tree_from_folder(tmp_path / "file", tree=tree)
    with pytest.raises(FileNotFoundError):
        tree_from_folder(tmp_path / "missing", tree=tree)
