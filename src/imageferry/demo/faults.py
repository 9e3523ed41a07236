"""Fault injection: what goes wrong, for which calls, and how often."""

from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

from msgspec import Struct

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation


class Damage(StrEnum):
    """What can go wrong with a successful response."""

    # To any call.
    SLOW = "slow"  # delayed by `seconds`
    REDIRECT = "redirect"  # 302 to `location`
    HTML = "html"  # 200 with an HTML page
    ERROR_JSON = "error_json"  # 200 with one of Drive's errors

    # To a file's bytes.
    RESET_AT_START = "reset_at_start"  # the connection is reset before the first byte
    RESET_HALF_WAY = "reset_half_way"
    RESET_AT_END = "reset_at_end"  # one byte is missing
    SHORT = "short"  # half of the file, with a matching Content-Length
    LONG = "long"  # bytes after the file, with a matching Content-Length
    FLIPPED_BIT = "flipped_bit"  # in the middle
    STALL = "stall"  # a pause of `seconds` after the first half
    TRICKLE = "trickle"  # one byte every `seconds`
    RANGE_IGNORED = "range_ignored"  # 200 with the whole file

    # To a page of a listing.
    REPEATED_PAGE = "repeated_page"  # the next page is the same page again
    EMPTY_PAGE = "empty_page"  # no entries, and a token that leads to them
    INCOMPLETE = "incomplete"  # half of the entries, with incompleteSearch
    MISSING_ENTRIES = "missing_entries"  # half of the entries, without incompleteSearch
    DUPLICATE = "duplicate"  # the last entry is repeated on the next page


class Fault(Struct, frozen=True, kw_only=True):
    """A kind of fault, and the calls it applies to."""

    kind: ErrorKind | Damage
    on: Operation = Operation.MEDIA
    file: str | None = None  # ID of a file or listed folder, or a glob of its name; None: any
    after: int = 0  # so many matching calls succeed first
    times: int | None = None  # how often it is injected; None: always
    probability: float = 1.0  # of injecting it into a matching call
    seconds: float = 0.0  # of SLOW, STALL and TRICKLE
    retry_after_s: float | None = None  # header of an error response
    location: str = ""  # of REDIRECT

    def matches(self, operation: Operation, node: Node | None) -> bool:
        """Return True when the fault applies to this call."""
        if operation not in self.on:
            return False
        return self.file is None or (node is not None and (node.id == self.file or fnmatchcase(node.name, self.file)))


class Faults:
    """The active faults. The first that matches a call is injected.

    With the same seed and order of calls, the same calls fail.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._random = Random(seed)
        self._active: list[_ActiveFault] = []
        self.injected: Counter[Fault] = Counter()  # counts, including faults that were cleared

    def add(self, *faults: Fault) -> None:
        """Activate faults, from the next call on."""
        self._active.extend(map(_ActiveFault, faults))

    def clear(self) -> None:
        """Remove all faults."""
        self._active.clear()

    def next_for(self, operation: Operation, node: Node | None = None) -> Fault | None:
        """Return the fault to inject into this call, or None. Counts the call."""
        for active in self._active:
            if active.fault.matches(operation, node) and active.is_due(self._random):
                self.injected[active.fault] += 1
                return active.fault
        return None


class _ActiveFault(Struct):
    """A fault and its counters."""

    fault: Fault
    matched: int = 0  # calls
    injected: int = 0  # calls

    def is_due(self, random: Random) -> bool:
        self.matched += 1
        if self.matched <= self.fault.after:
            return False
        if self.fault.times is not None and self.injected >= self.fault.times:
            return False
        if self.fault.probability < 1 and random.random() >= self.fault.probability:
            return False
        self.injected += 1
        return True
