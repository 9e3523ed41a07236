"""Folders of test images."""

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree


def image_folder(tree: Tree, *, files: int) -> Node:
    """Add a folder of this many small images, and return it."""
    root = tree.folder("Root")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * 1000)
    return root
