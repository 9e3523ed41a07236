"""The served tree of folders and files."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count

from msgspec.structs import replace

from imageferry.demo import ids
from imageferry.demo.entries import (
    DEFAULT_TIME,
    DOCUMENT_MIME_TYPE,
    SHORTCUT_MIME_TYPE,
    Node,
    Sharing,
    Target,
    mime_type_of,
)
from imageferry.demo.file_content import FileContent, InMemory
from imageferry.demo.folder_index import FolderIndex, NumberedFiles
from imageferry.model import FOLDER_MIME_TYPE


class Tree:
    """Folders, files and shortcuts, by ID and by folder.

    The same calls in the same order give the same IDs. A new entry is shared as its folder is. Nodes are immutable:
    methods that change one take a node or ID and return the new node.
    """

    def __init__(self, *, seed: str = "imageferry") -> None:
        self._seed = seed
        self._serial = count()
        self._nodes: dict[str, Node] = {}
        self._deleted: set[str] = set()
        self._indexes: dict[str, FolderIndex] = {}
        self._numbered_by_prefix: dict[bytes, NumberedFiles] = {}
        self.home = self.folder("My Drive", sharing=Sharing.ACCOUNT)  # what the API calls `root`

    # Building.

    def folder(
        self, name: str, *, parent: Node | None = None, sharing: Sharing | None = None, with_resource_key: bool = False
    ) -> Node:
        """Add a folder; without a parent it is a root, as a shared folder is for its recipients."""
        return self._add(name, FOLDER_MIME_TYPE, parent=parent, sharing=sharing, with_resource_key=with_resource_key)

    def shared_drive(self, name: str) -> Node:
        """Add a shared drive and return its root folder, which accounts can access."""
        drive_id = ids.shared_drive_id(f"{self._seed}/{next(self._serial)}")
        return self._put(
            Node(
                id=drive_id,
                name=name,
                mime_type=FOLDER_MIME_TYPE,
                drive_id=drive_id,
                sharing=Sharing.ACCOUNT,
            )
        )

    def file(
        self,
        parent: Node,
        name: str,
        *,
        content: bytes | FileContent,
        mime_type: str | None = None,
        modified_at: datetime = DEFAULT_TIME,
        image_metadata: Mapping[str, object] | None = None,
        claimed_md5: str | None = None,
        sharing: Sharing | None = None,
        with_resource_key: bool = False,
        downloadable: bool = True,
    ) -> Node:
        """Add a file. Its type is guessed from the name unless it is given.

        `with_resource_key`: it can't be accessed without its resource key.
        """
        mime_type = mime_type or mime_type_of(name)
        node = self._add(
            name, mime_type, parent=parent, sharing=sharing, with_resource_key=with_resource_key, content=content
        )
        return self._put(
            replace(
                node,
                modified_at=modified_at,
                image_metadata=image_metadata,
                claimed_md5=claimed_md5,
                downloadable=downloadable,
            )
        )

    def document(self, parent: Node, name: str, *, mime_type: str = DOCUMENT_MIME_TYPE) -> Node:
        """Add a Google document, which has no bytes."""
        return self._add(name, mime_type, parent=parent)

    def shortcut(self, parent: Node, *, to: Node, name: str | None = None) -> Node:
        """Add a shortcut. Its target may be deleted later, or be a parent folder."""
        node = self._add(name or to.name, SHORTCUT_MIME_TYPE, parent=parent)
        target = Target(id=to.id, mime_type=to.mime_type, resource_key=to.resource_key)
        return self._put(replace(node, target=target))

    def numbered_files(self, parent: Node, count: int, *, size_bytes: int, name: str = "IMG_{:07d}.jpg") -> None:
        """Add generated files, which take no memory. The folder must be empty."""
        folder_index = self._indexes[parent.id]
        if len(folder_index):
            raise ValueError(f"The folder {parent.name!r} is not empty.")
        numbered = NumberedFiles(
            ids=ids.IdSeries(f"{self._seed}/{parent.id}"),
            parent_id=parent.id,
            count=count,
            size_bytes=size_bytes,
            name=name,
        )
        folder_index.numbered = self._numbered_by_prefix[numbered.ids.prefix] = numbered
        if count:
            # Hash what the files share now, not while a client waits for its first page.
            numbered.content(0).digest("md5")

    def add_parent(self, node: Node, *, parent: Node) -> Node:
        """Add a node to another folder as well."""
        self._indexes[parent.id].entries.append(node.id)
        return self._put(replace(self[node], parents=(*self[node].parents, parent.id)))

    # Changing; possible while the tree is served.

    def replace_content(self, node: Node | str, content: bytes | FileContent) -> Node:
        """Replace the bytes, with a modification time a minute later."""
        old = self[node]
        later = old.modified_at + timedelta(minutes=1)
        return self._changed(old, content=_content(content), modified_at=later)

    def rename(self, node: Node | str, name: str) -> Node:
        """Change the name."""
        return self._changed(self[node], name=name)

    def trash(self, node: Node | str) -> Node:
        """Move to the trash. It is still listed unless the query excludes it."""
        return self._changed(self[node], trashed=True)

    def share(self, node: Node | str, sharing: Sharing) -> Node:
        """Change the sharing, for a folder with everything below it."""
        changed = self._changed(self[node], sharing=sharing)
        if changed.is_folder:
            for child in list(self.children(changed)):
                if child.is_folder or child.sharing is not sharing:
                    self.share(child, sharing)
        return changed

    def delete(self, node: Node | str) -> None:
        """Delete permanently. The contents of a folder remain accessible by ID."""
        deleted = self[node]
        self._nodes.pop(deleted.id, None)
        self._deleted.add(deleted.id)

    # Reading.

    def __getitem__(self, node: Node | str) -> Node:
        """Return the current node. Raises KeyError."""
        node_id = node if isinstance(node, str) else node.id
        current = self.get(node_id)
        if current is None:
            raise KeyError(node_id)
        return current

    def get(self, node_id: str) -> Node | None:
        """Return the current node with an ID, or None."""
        if node_id == "root":
            return self.home
        if (node := self._nodes.get(node_id)) is not None or node_id in self._deleted:
            return node
        numbered = self._numbered_by_prefix.get(ids.series_prefix(node_id) or b"")
        if numbered is None or (index := numbered.ids.index_of(node_id)) >= numbered.count:
            return None
        return self._numbered(numbered, index)

    def children(self, folder: Node | str, *, start: int = 0) -> Iterator[Node]:
        """Yield the entries of a folder in order."""
        return (node for _, node in self.indexed_children(folder, start=start))

    def indexed_children(self, folder: Node | str, *, start: int = 0) -> Iterator[tuple[int, Node]]:
        """Yield (index, entry) of a folder, from an index on. Indexes never change."""
        folder_index = self._indexes.get(folder if isinstance(folder, str) else folder.id, FolderIndex())
        numbered_count = folder_index.numbered.count if folder_index.numbered else 0
        for index in range(start, len(folder_index)):
            if index < numbered_count and folder_index.numbered:
                node = self._numbered(folder_index.numbered, index)
            else:
                node = self._nodes.get(folder_index.entries[index - numbered_count])
            if node is not None:
                yield index, node

    def folder_ids(self) -> list[str]:
        """Return the IDs of all folders, in the order of their creation."""
        return list(self._indexes)

    def files(self) -> Iterator[Node]:
        """Yield every file that has bytes, including numbered ones, once."""
        seen: set[str] = set()
        for folder_id in self.folder_ids():
            for node in self.children(folder_id):
                if node.content is not None and node.id not in seen:
                    if len(node.parents) > 1:
                        seen.add(node.id)
                    yield node

    # Storage.

    def _add(
        self,
        name: str,
        mime_type: str,
        *,
        parent: Node | None,
        sharing: Sharing | None = None,
        with_resource_key: bool = False,
        content: bytes | FileContent | None = None,
    ) -> Node:
        seed = f"{self._seed}/{next(self._serial)}"
        parent_node = self[parent] if parent else None
        node = Node(
            id=ids.file_id(seed),
            name=name,
            mime_type=mime_type,
            parents=(parent_node.id,) if parent_node else (),
            content=None if content is None else _content(content),
            sharing=sharing or (parent_node.sharing if parent_node else Sharing.LINK),
            resource_key=ids.resource_key(seed) if with_resource_key else None,
            needs_resource_key=with_resource_key,
            drive_id=parent_node.drive_id if parent_node else None,
        )
        if parent_node:
            self._indexes[parent_node.id].entries.append(node.id)
        return self._put(node)

    def _put(self, node: Node) -> Node:
        self._nodes[node.id] = node
        if node.is_folder:
            self._indexes.setdefault(node.id, FolderIndex())
        return node

    def _changed(self, old: Node, **changes: object) -> Node:
        return self._put(replace(old, version=old.version + 1, **changes))

    def _numbered(self, numbered: NumberedFiles, index: int) -> Node | None:
        node_id = numbered.ids.id_of(index)
        if node_id in self._deleted:
            return None
        if (changed := self._nodes.get(node_id)) is not None:
            return changed
        folder = self._nodes[numbered.parent_id]
        return Node(
            id=node_id,
            name=numbered.name.format(index),
            mime_type="image/jpeg",
            parents=(folder.id,),
            content=numbered.content(index),
            sharing=folder.sharing,
            drive_id=folder.drive_id,
        )


def _content(content: bytes | FileContent) -> FileContent:
    return InMemory(content) if isinstance(content, bytes) else content
