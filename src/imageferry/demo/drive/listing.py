"""Pages of `files.list`."""

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from imageferry.demo.drive.access import Caller
from imageferry.demo.drive.queries import Query
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage
from imageferry.demo.tree import Tree

EntryPosition = tuple[int, int]  # index of the folder in the query, index of the entry in the folder


class ListPage(Struct, frozen=True, kw_only=True):
    """The entries of a page, and the position of the next page; None: this is the last."""

    nodes: list[Node]
    last_position: EntryPosition | None  # of the last entry
    next_position: EntryPosition | None
    is_complete: bool = True  # False: the response says that entries may be missing


def list_page(query: Query, *, tree: Tree, caller: Caller, start: EntryPosition, size: int) -> ListPage:
    """Return at most `size` entries, from a position on."""
    folder_ids = tree.folder_ids() if query.parents is None else query.parents
    matches = _matches(query, tree=tree, caller=caller, start=start, folder_ids=folder_ids)
    entries = list(islice(matches, size + 1))
    # One entry more than fits shows that there is a next page, so the last page has no token.
    return ListPage(
        nodes=[node for _, node in entries[:size]],
        last_position=entries[:size][-1][0] if entries else None,
        next_position=entries[size][0] if len(entries) > size else None,
    )


def apply_damage(page: ListPage, damage: Damage, *, start: EntryPosition) -> ListPage:
    """Return the page that starts at `start`, damaged by a fault."""
    match damage:
        case Damage.REPEATED_PAGE:
            return replace(page, next_position=start)
        case Damage.EMPTY_PAGE:
            return replace(page, nodes=[], next_position=start)
        case Damage.DUPLICATE if page.next_position is not None:
            return replace(page, next_position=page.last_position)
        case Damage.MISSING_ENTRIES:
            return replace(page, nodes=page.nodes[::2])
        case Damage.INCOMPLETE:
            return replace(page, nodes=page.nodes[::2], is_complete=False)
        case _:
            return page


def _matches(
    query: Query, *, tree: Tree, caller: Caller, start: EntryPosition, folder_ids: Sequence[str]
) -> Iterator[tuple[EntryPosition, Node]]:
    first_folder, first_entry = start
    for folder_index in range(first_folder, len(folder_ids)):
        folder = tree.get(folder_ids[folder_index])
        if folder is None:
            continue
        for entry_index, node in tree.indexed_children(
            folder, start=first_entry if folder_index == first_folder else 0
        ):
            # A node in several of the folders is listed with the first of them.
            repeated = len(node.parents) > 1 and not set(node.parents).isdisjoint(folder_ids[:folder_index])
            if not repeated and query.matches(node) and caller.can_list(node):
                yield (folder_index, entry_index), node
