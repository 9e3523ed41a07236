"""The kinds of calls that the stand-in answers, and what it remembers of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Flag, auto


class Operation(Flag):
    """A kind of call; kinds can be joined with `|`."""

    LIST = auto()  # the first page of a listing
    PAGE = auto()  # a later page
    GET = auto()  # one file's record
    MEDIA = auto()  # one file's bytes over the API
    TOKEN = auto()  # an access token
    OTHER = auto()  # about, shared drives, exports
    WEB_FOLDER = auto()  # a public folder page
    WEB_CONFIRM = auto()  # the page that stands before large downloads
    WEB_DOWNLOAD = auto()  # one file's bytes over the public pages

    LISTING = LIST | PAGE
    BYTES = MEDIA | WEB_DOWNLOAD
    ANY = LISTING | GET | BYTES | TOKEN | OTHER | WEB_FOLDER | WEB_CONFIRM


class Requests:
    """What was asked, what was sent and how much of it at once; for tests to look at."""

    def __init__(self) -> None:
        self.calls: Counter[Operation] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bytes_by_file: Counter[str] = Counter()  # that went out, by file id
        self.downloads_by_file: Counter[str] = Counter()  # started, by file id
        self.in_flight = 0
        self.in_flight_peak = 0

    def count(self, operations: Operation) -> int:
        """How many calls of these kinds came in."""
        return sum(self.calls[operation] for operation in operations)

    @property
    def bytes_sent(self) -> int:
        """All files' bytes that went out."""
        return self.bytes_by_file.total()

    def reset(self) -> None:
        """Forgets everything but the calls that are in flight."""
        for counter in (self.calls, self.statuses, self.bytes_by_file, self.downloads_by_file):
            counter.clear()
        self.in_flight_peak = self.in_flight

    def snapshot(self) -> dict[str, object]:
        """All of it, as JSON."""
        return {
            "calls": {str(operation.name).lower(): count for operation, count in self.calls.items()},
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "bytes_sent": self.bytes_sent,
            "bytes_by_file": dict(self.bytes_by_file),
            "downloads_by_file": dict(self.downloads_by_file),
            "in_flight": self.in_flight,
            "in_flight_peak": self.in_flight_peak,
        }

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Around each call."""
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1
