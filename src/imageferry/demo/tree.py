"""The tree that is served: built, changed and read by tests and the demo."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count

from msgspec.structs import replace

from imageferry.demo import ids
from imageferry.demo.entries import (
    DOCUMENT_MIME_TYPE,
    LONG_AGO,
    SHORTCUT_MIME_TYPE,
    Node,
    Sharing,
    Target,
    mime_type_of,
)
from imageferry.demo.file_content import Content, InMemory
from imageferry.demo.folder_index import NumberedFiles, Shelf
from imageferry.model import FOLDER_MIME_TYPE


class Tree:
    """Folders, files and shortcuts, by id and by folder.

    The same calls in the same order give the same ids. Whatever is put into a folder is shared as the
    folder is. Nodes are values: a change is asked of the tree, by node or id, and returns the new node.
    """

    def __init__(self, *, seed: str = "imageferry") -> None:
        self._seed = seed
        self._serial = count()
        self._nodes: dict[str, Node] = {}
        self._deleted: set[str] = set()
        self._shelves: dict[str, Shelf] = {}
        self._runs: dict[bytes, NumberedFiles] = {}
        self.home = self.folder("My Drive", sharing=Sharing.ACCOUNT)  # what the API calls `root`

    # Building.

    def folder(
        self, name: str, *, parent: Node | None = None, sharing: Sharing | None = None, keyed: bool = False
    ) -> Node:
        """A folder; without a parent it stands by itself, as what somebody shared does."""
        return self._add(name, FOLDER_MIME_TYPE, parent=parent, sharing=sharing, keyed=keyed)

    def shared_drive(self, name: str) -> Node:
        """A shared drive's own folder, visible to accounts; what is put into it belongs to the drive."""
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
        content: bytes | Content,
        mime_type: str | None = None,
        modified_at: datetime = LONG_AGO,
        picture: Mapping[str, object] | None = None,
        claimed_md5: str | None = None,
        sharing: Sharing | None = None,
        keyed: bool = False,
        downloadable: bool = True,
    ) -> Node:
        """A file with bytes; its type is guessed from the name unless it is given.

        `keyed`: it cannot be seen without its resource key.
        """
        mime_type = mime_type or mime_type_of(name)
        node = self._add(name, mime_type, parent=parent, sharing=sharing, keyed=keyed, content=content)
        return self._put(
            replace(
                node,
                modified_at=modified_at,
                picture=picture,
                claimed_md5=claimed_md5,
                downloadable=downloadable,
            )
        )

    def document(self, parent: Node, name: str, *, mime_type: str = DOCUMENT_MIME_TYPE) -> Node:
        """A Google document, which has no bytes."""
        return self._add(name, mime_type, parent=parent)

    def shortcut(self, parent: Node, *, to: Node, name: str | None = None) -> Node:
        """A shortcut; its target may be deleted later, or be a folder above it."""
        node = self._add(name or to.name, SHORTCUT_MIME_TYPE, parent=parent)
        target = Target(id=to.id, mime_type=to.mime_type, resource_key=to.resource_key)
        return self._put(replace(node, target=target))

    def numbered_files(self, parent: Node, count: int, *, size_bytes: int, name: str = "IMG_{:07d}.jpg") -> None:
        """Many synthetic files, which take no memory; a folder can be filled so once, while it is empty."""
        shelf = self._shelves[parent.id]
        if len(shelf):
            raise ValueError(f"The folder {parent.name!r} is not empty.")
        run = NumberedFiles(
            ids=ids.Series(f"{self._seed}/{parent.id}"),
            parent_id=parent.id,
            count=count,
            size_bytes=size_bytes,
            name=name,
        )
        shelf.run = self._runs[run.ids.prefix] = run
        if count:
            # Hashing what the files share, now and not while a client waits for its first page.
            run.content(0).digest("md5")

    def place(self, node: Node, *, parent: Node) -> Node:
        """Puts a node into one more folder."""
        self._shelves[parent.id].entries.append(node.id)
        return self._put(replace(self[node], parents=(*self[node].parents, parent.id)))

    # Changing, also while it is served.

    def replace_content(self, node: Node | str, content: bytes | Content) -> Node:
        """Other bytes under the same id, modified a minute later."""
        old = self[node]
        later = old.modified_at + timedelta(minutes=1)
        return self._changed(old, content=_content(content), modified_at=later)

    def rename(self, node: Node | str, name: str) -> Node:
        """Another name."""
        return self._changed(self[node], name=name)

    def trash(self, node: Node | str) -> Node:
        """Still there, and listed unless the query excludes it."""
        return self._changed(self[node], trashed=True)

    def share(self, node: Node | str, sharing: Sharing) -> Node:
        """For a folder, with everything below it."""
        changed = self._changed(self[node], sharing=sharing)
        if changed.is_folder:
            for child in list(self.children(changed)):
                if child.is_folder or child.sharing is not sharing:
                    self.share(child, sharing)
        return changed

    def delete(self, node: Node | str) -> None:
        """Gone for good; what it held is not reached any more, but by id."""
        gone = self[node]
        self._nodes.pop(gone.id, None)
        self._deleted.add(gone.id)

    # Reading.

    def __getitem__(self, node: Node | str) -> Node:
        """The node as it is now. Raises KeyError when there is none."""
        node_id = node if isinstance(node, str) else node.id
        found = self.get(node_id)
        if found is None:
            raise KeyError(node_id)
        return found

    def get(self, node_id: str) -> Node | None:
        """The node with an id, as it is now."""
        if node_id == "root":
            return self.home
        if (node := self._nodes.get(node_id)) is not None or node_id in self._deleted:
            return node
        run = self._runs.get(ids.series_prefix(node_id) or b"")
        if run is None or (index := run.ids.index_of(node_id)) >= run.count:
            return None
        return self._numbered(run, index)

    def children(self, folder: Node | str, *, start: int = 0) -> Iterator[Node]:
        """What a folder holds, in its order."""
        return (node for _, node in self.places(folder, start=start))

    def places(self, folder: Node | str, *, start: int = 0) -> Iterator[tuple[int, Node]]:
        """What a folder holds from a place on, with the places, which no change ever moves."""
        shelf = self._shelves.get(folder if isinstance(folder, str) else folder.id, Shelf())
        run_count = shelf.run.count if shelf.run else 0
        for place in range(start, len(shelf)):
            if place < run_count and shelf.run:
                node = self._numbered(shelf.run, place)
            else:
                node = self._nodes.get(shelf.entries[place - run_count])
            if node is not None:
                yield place, node

    def folder_ids(self) -> list[str]:
        """The ids of all folders, in the order of their making."""
        return list(self._shelves)

    def files(self) -> Iterator[Node]:
        """Every file that has bytes, wherever it is; the numbered ones too."""
        seen: set[str] = set()
        for folder_id in self.folder_ids():
            for node in self.children(folder_id):
                if node.content is not None and node.id not in seen:
                    if len(node.parents) > 1:
                        seen.add(node.id)
                    yield node

    # Keeping.

    def _add(
        self,
        name: str,
        mime_type: str,
        *,
        parent: Node | None,
        sharing: Sharing | None = None,
        keyed: bool = False,
        content: bytes | Content | None = None,
    ) -> Node:
        seed = f"{self._seed}/{next(self._serial)}"
        holder = self[parent] if parent else None
        node = Node(
            id=ids.file_id(seed),
            name=name,
            mime_type=mime_type,
            parents=(holder.id,) if holder else (),
            content=None if content is None else _content(content),
            sharing=sharing or (holder.sharing if holder else Sharing.LINK),
            resource_key=ids.resource_key(seed) if keyed else None,
            needs_resource_key=keyed,
            drive_id=holder.drive_id if holder else None,
        )
        if holder:
            self._shelves[holder.id].entries.append(node.id)
        return self._put(node)

    def _put(self, node: Node) -> Node:
        self._nodes[node.id] = node
        if node.is_folder:
            self._shelves.setdefault(node.id, Shelf())
        return node

    def _changed(self, old: Node, **changes: object) -> Node:
        return self._put(replace(old, version=old.version + 1, **changes))

    def _numbered(self, run: NumberedFiles, index: int) -> Node | None:
        node_id = run.ids.id_of(index)
        if node_id in self._deleted:
            return None
        if (changed := self._nodes.get(node_id)) is not None:
            return changed
        folder = self._nodes[run.parent_id]
        return Node(
            id=node_id,
            name=run.name.format(index),
            mime_type="image/jpeg",
            parents=(folder.id,),
            content=run.content(index),
            sharing=folder.sharing,
            drive_id=folder.drive_id,
        )


def _content(content: bytes | Content) -> Content:
    return InMemory(content) if isinstance(content, bytes) else content
