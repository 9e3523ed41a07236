"""A local folder, served as if it were on Drive."""

from datetime import UTC, datetime
from pathlib import Path

from imageferry.demo.entries import Node
from imageferry.demo.file_content import OnDisk
from imageferry.demo.tree import Tree

_DEPTH_MAX = 50


def tree_from_folder(directory: Path, *, tree: Tree) -> Node:
    """Add a folder with all its files, of any type, but without hidden ones and symbolic links.

    Bytes are read from disk on demand. Raises NotADirectoryError.
    """
    top = directory.resolve(strict=True)
    if not top.is_dir():
        raise NotADirectoryError(str(directory))
    root = tree.folder(top.name or "Pictures")
    _fill(root, top, tree=tree, depth=0)
    return root


def _fill(folder: Node, directory: Path, *, tree: Tree, depth: int) -> None:
    for entry in sorted(directory.iterdir()):
        # A link may lead out of the folder, or form a cycle.
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir() and depth < _DEPTH_MAX:
            _fill(tree.folder(entry.name, parent=folder), entry, tree=tree, depth=depth + 1)
        elif entry.is_file():
            modified_at = datetime.fromtimestamp(entry.stat().st_mtime, tz=UTC)
            tree.file(folder, entry.name, content=OnDisk(entry), modified_at=modified_at)
