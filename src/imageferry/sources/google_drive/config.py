"""Configuration of a Google Drive source: endpoints, credentials, limits."""

from dataclasses import dataclass, field
from pathlib import Path

API_ENDPOINT = "https://www.googleapis.com"
WEB_ENDPOINT = "https://drive.google.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long Drive may take. A call that takes longer raises TransientError."""

    connect_s: float = 10.0  # name lookup, TCP, TLS and any proxy
    listing_s: float = 60.0  # for a whole page of a listing; large folders take tens of seconds
    stall_s: float = 30.0  # longest wait for the next byte of a body
    bytes_per_s_min: int = 4096  # a body that is slower on average, beyond `stall_s`, counts as stalled too

    def body_s(self, size_bytes: int) -> float:
        """Return the longest time for a body of this size."""
        return self.stall_s + size_bytes / self.bytes_per_s_min


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleDriveConfig:
    """Endpoints, credentials and limits.

    An account takes precedence over a key: it sees public folders and those shared with it. With a key alone,
    public folders are read through the API; with neither, through the public pages, which contain neither sizes nor
    checksums.
    """

    endpoint: str = API_ENDPOINT  # of the API; tests use a server of their own
    web_endpoint: str = WEB_ENDPOINT  # of the public pages
    api_key: str | None = field(default=None, repr=False)
    account_file: Path | None = None  # of credentials, in Google's JSON format
    connections: int = 64  # concurrent, for listing and bytes together
    timeouts: Timeouts = field(default_factory=Timeouts)
    cool_down_s: float = 60.0  # pause after Google's page about "automated queries", which names no time
