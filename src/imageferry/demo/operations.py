"""The kinds of calls, and a log of the requests."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Flag, auto


class Operation(Flag):
    """A kind of call; kinds can be joined with `|`."""

    LIST = auto()  # the first page of a listing
    PAGE = auto()  # a later page
    GET = auto()  # metadata of a file
    MEDIA = auto()  # bytes of a file through the API
    TOKEN = auto()  # an access token
    OTHER = auto()  # about, shared drives, exports
    WEB_FOLDER = auto()  # a public folder page
    WEB_CONFIRM = auto()  # the confirmation page of a large download
    WEB_DOWNLOAD = auto()  # bytes of a file through the public pages

    LISTING = LIST | PAGE
    BYTES = MEDIA | WEB_DOWNLOAD
    ANY = LISTING | GET | BYTES | TOKEN | OTHER | WEB_FOLDER | WEB_CONFIRM


class RequestLog:
    """Counts of calls, statuses, bytes and concurrent requests, for tests."""

    def __init__(self) -> None:
        self.calls: Counter[Operation] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bytes_by_file: Counter[str] = Counter()  # sent, by file ID
        self.downloads_by_file: Counter[str] = Counter()  # started, by file ID
        self.in_flight = 0
        self.in_flight_peak = 0

    def count(self, operations: Operation) -> int:
        """Return the number of calls of these kinds."""
        return sum(self.calls[operation] for operation in operations)

    @property
    def bytes_sent(self) -> int:
        """Bytes sent of all files."""
        return self.bytes_by_file.total()

    def reset(self) -> None:
        """Reset everything but the calls in flight."""
        for counter in (self.calls, self.statuses, self.bytes_by_file, self.downloads_by_file):
            counter.clear()
        self.in_flight_peak = self.in_flight

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
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
    def track(self) -> Iterator[None]:
        """Count a call as in flight."""
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1
