"""Trees of any size that take no memory, for tests and benchmarks of scale."""

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree


def plant(
    tree: Tree, *, files: int, size_bytes: int, folders: int = 1, depth: int = 1, name: str = "Synthetic"
) -> Node:
    """A root folder with `files` spread evenly over `folders`, which lie on `depth` levels below it.

    With one folder and one level, the root holds the files itself.
    """
    root = tree.folder(name)
    if folders == depth == 1:
        tree.numbered_files(root, files, size_bytes=size_bytes)
        return root
    level = [root]
    for made in range(max(folders, depth)):
        # One chain goes down to the full depth; the folders that are left stand beside it.
        parent = level[-1] if made < depth else level[made % depth]
        folder = tree.folder(f"Folder {made + 1:04d}", parent=parent)
        if made < depth:
            level.append(folder)
        share = files // folders + (made < files % folders)
        tree.numbered_files(folder, share if made < folders else 0, size_bytes=size_bytes)
    return root
