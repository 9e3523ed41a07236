"""How a Google Drive source is set up: endpoints, credentials, bounds."""

from dataclasses import dataclass, field
from pathlib import Path

API_ENDPOINT = "https://www.googleapis.com"
WEB_ENDPOINT = "https://drive.google.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long Drive may take; past any of these a call is a TransientError."""

    connect_s: float = 10.0  # name, TCP, TLS and, where there is one, the proxy
    listing_s: float = 60.0  # a page of a listing, all of it; large folders take tens of seconds
    stall_s: float = 30.0  # no byte of a body for so long
    pace_bytes_s_min: int = 4096  # a body slower than this on the whole, past `stall_s`, is stalled too

    def body_s(self, size_bytes: int) -> float:
        """The longest that a body of this size may take."""
        return self.stall_s + size_bytes / self.pace_bytes_s_min


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleDriveConfig:
    """Which Drive, seen as whom, and how hard it may be driven.

    With a service account its token is used, also when there is a key: the account sees public folders and
    those shared with it. With a key alone public folders are seen through the API; with neither, through
    the public pages, which tell neither size nor digest.
    """

    endpoint: str = API_ENDPOINT  # of the API; a stand-in for tests
    web_endpoint: str = WEB_ENDPOINT  # of the public pages
    api_key: str | None = field(default=None, repr=False)
    service_account_file: Path | None = None  # its JSON key
    connections: int = 64  # open at once, listing and bytes together
    deadlines: Deadlines = field(default_factory=Deadlines)
    cool_down_s: float = 60.0  # the pause when Drive answers with its page about automated queries
