"""Folders as many tests want them."""

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree


def album(tree: Tree, *, files: int) -> Node:
    """A folder of so many small images."""
    root = tree.folder("Root")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * 1000)
    return root
