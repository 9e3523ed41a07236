"""One page of `files.list`."""

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from imageferry.demo.drive.access import Caller
from imageferry.demo.drive.queries import Query
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage
from imageferry.demo.tree import Tree

Place = tuple[int, int]  # the folder's among those of the query, the entry's in the folder


class Listed(Struct, frozen=True, kw_only=True):
    """The entries of a page, and where the next page begins; None: there is none."""

    nodes: list[Node]
    last_place: Place | None  # of the last entry
    next_place: Place | None
    complete: bool = True  # False: Drive says that entries may be missing


def list_page(query: Query, *, tree: Tree, caller: Caller, start: Place, size: int) -> Listed:
    """At most `size` entries from a place on."""
    folder_ids = tree.folder_ids() if query.parents is None else query.parents
    found = _found(query, tree=tree, caller=caller, start=start, folder_ids=folder_ids)
    entries = list(islice(found, size + 1))
    # Whoever would begin the next page tells that there is one, so that the last page bears no token.
    return Listed(
        nodes=[node for _, node in entries[:size]],
        last_place=entries[:size][-1][0] if entries else None,
        next_place=entries[size][0] if len(entries) > size else None,
    )


def damaged(page: Listed, damage: Damage, *, start: Place) -> Listed:
    """The page that begins at `start`, with what a fault does to it."""
    match damage:
        case Damage.REPEATED_PAGE:
            return replace(page, next_place=start)
        case Damage.EMPTY_PAGE:
            return replace(page, nodes=[], next_place=start)
        case Damage.DUPLICATE if page.next_place is not None:
            return replace(page, next_place=page.last_place)
        case Damage.MISSING_ENTRIES:
            return replace(page, nodes=page.nodes[::2])
        case Damage.INCOMPLETE:
            return replace(page, nodes=page.nodes[::2], complete=False)
        case _:
            return page


def _found(
    query: Query, *, tree: Tree, caller: Caller, start: Place, folder_ids: Sequence[str]
) -> Iterator[tuple[Place, Node]]:
    first_folder, first_entry = start
    for folder_place in range(first_folder, len(folder_ids)):
        folder = tree.get(folder_ids[folder_place])
        if folder is None:
            continue
        for place, node in tree.places(folder, start=first_entry if folder_place == first_folder else 0):
            # What is in several of the folders comes with the first of them.
            repeated = len(node.parents) > 1 and not set(node.parents).isdisjoint(folder_ids[:folder_place])
            if not repeated and query.matches(node) and caller.may_see(node):
                yield (folder_place, place), node
