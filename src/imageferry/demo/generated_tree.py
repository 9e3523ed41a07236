"""Generated trees of any size, which take no memory, for tests and benchmarks of scale."""

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree


def generate_tree(
    tree: Tree, *, files: int, size_bytes: int, folders: int = 1, depth: int = 1, name: str = "Synthetic"
) -> Node:
    """Return a root folder with `files` spread evenly over `folders` on `depth` levels below it.

    With one folder and one level, the files are in the root itself.
    """
    root = tree.folder(name)
    if folders == depth == 1:
        tree.numbered_files(root, files, size_bytes=size_bytes)
        return root
    level = [root]
    for number in range(max(folders, depth)):
        # One chain of folders reaches the full depth; the other folders are siblings along it.
        parent = level[-1] if number < depth else level[number % depth]
        folder = tree.folder(f"Folder {number + 1:04d}", parent=parent)
        if number < depth:
            level.append(folder)
        folder_files = files // folders + (number < files % folders)
        tree.numbered_files(folder, folder_files if number < folders else 0, size_bytes=size_bytes)
    return root
