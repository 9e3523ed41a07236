"""The served tree and its contents."""

import hashlib
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from imageferry.demo.entries import Node, Sharing, mime_type_of
from imageferry.demo.export import export
from imageferry.demo.file_content import FileContent, InMemory, OnDisk, Synthetic
from imageferry.demo.generated_tree import generate_tree
from imageferry.demo.tree import Tree


def test_the_same_calls_give_the_same_ids() -> None:
    def build() -> list[str]:
        tree = Tree()
        root = tree.folder("Root")
        tree.numbered_files(root, 3, size_bytes=10)
        return [root.id, tree.file(root, "a.jpg", content=b"a").id, *first_ids(tree, root)]

    assert build() == build()
    assert all(len(node_id) == 33 and node_id.startswith("1") for node_id in build())
    assert len(Tree().shared_drive("Team").id) == 19


def test_an_index_in_a_folder_survives_changes_before_it() -> None:
    tree = Tree()
    root = tree.folder("Root")
    nodes = [tree.file(root, f"{number}.jpg", content=b"") for number in range(5)]
    indexes = [index for index, _ in tree.indexed_children(root)]

    tree.delete(nodes[1])
    tree.rename(nodes[0], "renamed.jpg")

    assert [index for index, _ in tree.indexed_children(root, start=2)] == indexes[2:]
    assert [node.id for node in tree.children(root)] == [nodes[number].id for number in (0, 2, 3, 4)]


def test_a_change_creates_another_version_with_the_same_id() -> None:
    tree = Tree()
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"old")

    changed = tree.replace_content(file, b"new")

    assert tree[file] is changed is tree.get(file.id)
    assert (changed.version, changed.content and changed.content.read(0, 9)) == (2, b"new")
    assert changed.modified_at > file.modified_at
    assert tree.trash(file).trashed
    tree.delete(file)
    with pytest.raises(KeyError):
        tree[file]


def test_a_new_entry_is_shared_as_its_folder_is() -> None:
    tree = Tree()
    root = tree.folder("Root", sharing=Sharing.ACCOUNT)
    inner = tree.folder("Inner", parent=root)
    file = tree.file(inner, "a.jpg", content=b"a")
    tree.numbered_files(tree.folder("Numbered", parent=root), 2, size_bytes=5)
    assert file.sharing is Sharing.ACCOUNT

    tree.share(root, Sharing.NOBODY)

    assert tree[file].sharing is Sharing.NOBODY
    assert {node.sharing for node in tree.files()} == {Sharing.NOBODY}


def test_a_node_can_be_in_several_folders() -> None:
    tree = Tree()
    one, other = tree.folder("One"), tree.folder("Other")
    file = tree.add_parent(tree.file(one, "a.jpg", content=b"a"), parent=other)

    assert file.parents == (one.id, other.id)
    assert [node.id for node in tree.files()] == [file.id]
    assert next(tree.children(other)) == file


def test_a_million_numbered_files_take_no_memory_and_are_found_by_id() -> None:
    tree = Tree()
    root = tree.folder("Root")
    tracemalloc.start()
    tree.numbered_files(root, 1_000_000, size_bytes=79_000)
    last = next(tree.children(root, start=999_999))
    used_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used_bytes < 5_000_000
    assert last.name == "IMG_0999999.jpg"
    assert tree.get(last.id) == last or tree[last.id].id == last.id
    assert tree.get("1" + "A" * 32) is None
    assert tree.get("no id at all") is None


def test_numbered_files_can_be_changed_like_any_other() -> None:
    tree = Tree()
    root = tree.folder("Root")
    tree.numbered_files(root, 3, size_bytes=10)
    first, second, _ = tree.children(root)

    tree.rename(first, "renamed.jpg")
    tree.delete(second)
    tree.file(root, "later.jpg", content=b"")

    assert [node.name for node in tree.children(root)] == ["renamed.jpg", "IMG_0000002.jpg", "later.jpg"]
    with pytest.raises(ValueError, match="not empty"):
        tree.numbered_files(root, 1, size_bytes=10)


@pytest.mark.parametrize("size_bytes", [0, 1, 16, 17, 1_000, 79_000, (1 << 20) + 5, 3 << 20])
def test_synthetic_content_is_the_same_whole_and_in_parts(size_bytes: int) -> None:
    content = Synthetic(size_bytes=size_bytes, unique_key="a")
    whole = content.read(0, size_bytes)

    assert len(whole) == size_bytes
    assert content.digest("md5") == hashlib.md5(whole, usedforsecurity=False).hexdigest()
    assert content.digest("sha256") == hashlib.sha256(whole).hexdigest()
    for start in (0, 1, size_bytes // 2, size_bytes - 17, size_bytes - 1):
        for stop in (start + 1, size_bytes - 1, size_bytes, size_bytes + 10):
            if 0 <= start < stop:
                assert content.read(start, stop) == whole[start:stop]
    if size_bytes:
        assert Synthetic(size_bytes=size_bytes, unique_key="b").read(0, size_bytes) != whole


def test_all_kinds_of_content_behave_alike(tmp_path: Path) -> None:
    data = Synthetic(size_bytes=50_000, unique_key="a").read(0, 50_000)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    contents: list[FileContent] = [InMemory(data), OnDisk(path), Synthetic(size_bytes=50_000, unique_key="a")]

    for content in contents:
        assert content.size_bytes == 50_000
        assert content.digest("sha1") == hashlib.sha1(data, usedforsecurity=False).hexdigest()
        assert content.read(100, 200) == data[100:200]
        assert content.image_metadata == {"width": 320, "height": 240, "rotation": 0}


def test_a_generated_tree_has_every_file_once_at_the_requested_depth() -> None:
    tree = Tree()
    root = generate_tree(tree, files=103, size_bytes=10, folders=10, depth=4)

    assert len(list(tree.files())) == 103
    assert depth(tree, root) == 4
    assert len(tree.folder_ids()) == 1 + 1 + 10  # including My Drive and the root
    flat = Tree()
    assert len(list(flat.children(generate_tree(flat, files=7, size_bytes=10)))) == 7


def test_an_export_writes_each_file_under_its_id(tmp_path: Path) -> None:
    tree = Tree()
    root = generate_tree(tree, files=5, size_bytes=1_000)

    assert export(tree, tmp_path / "out") == 5
    for node in tree.children(root):
        written = (tmp_path / "out" / node.id).read_bytes()
        assert node.content is not None
        assert hashlib.md5(written, usedforsecurity=False).hexdigest() == node.content.digest("md5")


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.heic", "image/heif"),
        ("a.cr3", "application/octet-stream"),
        ("a", "application/octet-stream"),
        (".", "application/octet-stream"),
    ],
)
def test_a_type_is_guessed_from_the_name(name: str, mime_type: str) -> None:
    assert mime_type_of(name) == mime_type


def first_ids(tree: Tree, folder: Node) -> list[str]:
    return [node.id for node in islice(tree.children(folder), 10)]


def depth(tree: Tree, folder: Node) -> int:
    return max((1 + depth(tree, child) for child in tree.children(folder) if child.is_folder), default=0)
