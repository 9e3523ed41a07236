"""The sample album, rendered whole: it takes seconds, so these are no unit tests."""

import io

import pytest
from PIL import Image

from imageferry.demo.entries import Node
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree


@pytest.fixture(scope="module")
def album() -> tuple[Tree, Node]:
    tree = Tree()
    return tree, sample_album(tree)


def test_the_album_has_valid_images_of_every_format(album: tuple[Tree, Node]) -> None:
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


def test_the_album_is_deterministic(album: tuple[Tree, Node]) -> None:
    tree, _ = album
    second = Tree()
    sample_album(second)

    assert [digest(node) for node in tree.files()] == [digest(node) for node in second.files()]


def test_the_album_has_odd_names_duplicates_a_cycle_and_a_document(album: tuple[Tree, Node]) -> None:
    tree, root = album
    (odd,) = [node for node in tree.children(root) if node.name == "Curiosities"]
    names = [node.name for node in tree.children(odd)]

    assert len(names) > len(set(names))
    assert any("/" in name and "\n" in name for name in names)
    assert any(node.target is not None and node.target.id == root.id for node in tree.children(odd))
    assert any(node.is_native for node in tree.children(odd))


def test_camera_metadata_has_drives_format(album: tuple[Tree, Node]) -> None:
    tree, root = album
    (sea,) = [node for node in tree.children(root) if node.name == "By the sea"]
    first, *_, fifth = list(tree.children(sea))[:5]
    assert first.content is not None
    assert fifth.content is not None

    metadata = first.content.image_metadata
    assert metadata is not None
    assert metadata["cameraMake"] == "Apple"
    assert metadata["time"] == "2025:01:03 19:40:21"
    assert metadata["location"] == pytest.approx({"latitude": -33.89, "longitude": 151.28, "altitude": 4.5}, abs=0.02)
    assert (fifth.content.image_metadata or {})["rotation"] == 1


def digest(node: Node) -> str:
    assert node.content is not None
    return node.content.digest("md5")
