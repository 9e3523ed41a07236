"""A child process's heartbeat and what it works on, in memory that its parent reads.

Whatever holds the child's GIL or stops the child, what it wrote before stays readable.
"""

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The number of the shared file in a child that was started as a program.
FILE_NUMBER = 3
ITEMS_MAX = 1024
# 64-bit numbers: the beats, the process id, and the ids of the items under way.
_BEATS, _PROCESS_ID, _FIRST_ITEM = range(3)
SIZE_BYTES = 8 * (_FIRST_ITEM + ITEMS_MAX)


class Heartbeat:
    """The heartbeat of one process, written by it alone. Forks share it; a program shares that of a `file_number`."""

    def __init__(self, file_number: int = -1) -> None:
        self._numbers = memoryview(mmap.mmap(file_number, SIZE_BYTES)).cast("Q")
        self._free_slots = list(range(_FIRST_ITEM, _FIRST_ITEM + ITEMS_MAX))

    def start(self) -> None:
        """Begin as a new process, in the memory of one that has ended."""
        for slot in range(_FIRST_ITEM, _FIRST_ITEM + ITEMS_MAX):
            self._numbers[slot] = 0
        self._numbers[_PROCESS_ID] = os.getpid()
        self.rest()

    def beat(self) -> None:
        """Show that the event loop runs."""
        self._numbers[_BEATS] += 1

    def rest(self) -> None:
        """Stop to beat until there is work again."""
        self._numbers[_BEATS] = 0

    @contextmanager
    def under_way(self, item_id: int) -> Iterator[None]:
        """Show that this item is worked on while the context lasts. At most ITEMS_MAX are at once."""
        slot = self._free_slots.pop()
        self._numbers[slot] = item_id
        try:
            yield
        finally:
            self._numbers[slot] = 0
            self._free_slots.append(slot)

    @property
    def beats(self) -> int:
        """A number that changes with every beat; 0 while the process rests."""
        return self._numbers[_BEATS]

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._numbers[_PROCESS_ID]

    @property
    def item_ids(self) -> frozenset[int]:
        """The items that the process works on."""
        return frozenset(filter(None, self._numbers[_FIRST_ITEM:]))


@contextmanager
def heartbeat_file() -> Iterator[tuple[Heartbeat, int]]:
    """Create a heartbeat for a child, and the file that it shares: the child's copy outlives the context."""
    number = _create_file()
    try:
        os.ftruncate(number, SIZE_BYTES)
        yield Heartbeat(number), number
    finally:
        os.close(number)


def _create_file() -> int:
    # In memory where the system can: a container may have no folder to write to.
    if sys.platform == "linux":
        number = os.memfd_create("heartbeat")
    else:
        from tempfile import TemporaryFile  # noqa: PLC0415 - long to import

        with TemporaryFile() as file:
            number = os.dup(file.fileno())
    return number
