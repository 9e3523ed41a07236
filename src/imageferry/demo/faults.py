"""Faults to order: what shall go wrong, for which calls, and how often."""

from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random

from msgspec import Struct

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation


class Damage(StrEnum):
    """What can happen to an answer that is not refused."""

    # To any call.
    SLOW = "slow"  # it begins after `seconds`
    REDIRECT = "redirect"  # 302 to `location`
    HTML = "html"  # 200 with an HTML page
    ERROR_JSON = "error_json"  # 200 with an error of Drive's

    # To a file's bytes.
    RESET_AT_START = "reset_at_start"  # the connection dies before the first byte
    RESET_HALF_WAY = "reset_half_way"
    RESET_AT_END = "reset_at_end"  # one byte is missing
    SHORT = "short"  # the body is half the file, and says so
    LONG = "long"  # the body goes on after the file, and says so
    FLIPPED_BIT = "flipped_bit"  # in the middle
    STALL = "stall"  # nothing comes for `seconds` after the first half
    TRICKLE = "trickle"  # one byte every `seconds`
    RANGE_IGNORED = "range_ignored"  # 200 with everything

    # To a page of a listing.
    REPEATED_PAGE = "repeated_page"  # the next page is this page again
    EMPTY_PAGE = "empty_page"  # no entry, and a token that leads to them
    INCOMPLETE = "incomplete"  # half the entries are missing; incompleteSearch says so
    MISSING_ENTRIES = "missing_entries"  # half the entries are missing, and nothing says so
    DUPLICATE = "duplicate"  # the last entry comes again at the head of the next page


class Fault(Struct, frozen=True, kw_only=True):
    """One kind of trouble, for the calls that it fits."""

    kind: Refusal | Damage
    on: Operation = Operation.MEDIA
    file: str | None = None  # a file's or listed folder's id, or its name as a glob; None: any
    after: int = 0  # fitting calls that are let through first
    times: int | None = None  # how often it strikes; None: always
    probability: float = 1.0  # of striking a call that fits
    seconds: float = 0.0  # of SLOW, STALL and TRICKLE
    retry_after_s: float | None = None  # told beside a refusal
    location: str = ""  # of REDIRECT

    def fits(self, operation: Operation, node: Node | None) -> bool:
        """Whether it is about calls such as this one."""
        if operation not in self.on:
            return False
        return self.file is None or (node is not None and (node.id == self.file or fnmatchcase(node.name, self.file)))


class Faults:
    """The faults that are in force; the first that strikes a call decides.

    The same seed and the same order of calls strike the same calls.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._random = Random(seed)
        self._orders: list[_Order] = []
        self.struck: Counter[Fault] = Counter()  # how often each did, also those that were cleared

    def add(self, *faults: Fault) -> None:
        """In force from the next call on."""
        self._orders.extend(map(_Order, faults))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._orders.clear()

    def take(self, operation: Operation, node: Node | None = None) -> Fault | None:
        """The fault that strikes this call."""
        for order in self._orders:
            if order.fault.fits(operation, node) and order.strikes(self._random):
                self.struck[order.fault] += 1
                return order.fault
        return None


class _Order(Struct):
    """A fault in force."""

    fault: Fault
    fitted: int = 0  # calls that it could have struck
    struck: int = 0  # calls that it did

    def strikes(self, random: Random) -> bool:
        self.fitted += 1
        if self.fitted <= self.fault.after:
            return False
        if self.fault.times is not None and self.struck >= self.fault.times:
            return False
        if self.fault.probability < 1 and random.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True
