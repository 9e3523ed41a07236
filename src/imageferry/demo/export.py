"""Export of a tree's files, named by ID, for another server to serve."""

from pathlib import Path

from imageferry.demo.tree import Tree

_CHUNK_BYTES = 1 << 20


def export(tree: Tree, folder: Path) -> int:
    """Write every file that has bytes. Return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for node in tree.files():
        if node.content is None:
            continue
        with (folder / node.id).open("wb") as file:
            for start in range(0, node.content.size_bytes, _CHUNK_BYTES):
                file.write(node.content.read(start, start + _CHUNK_BYTES))
        written += 1
    return written
