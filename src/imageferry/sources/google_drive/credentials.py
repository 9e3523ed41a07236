"""Credentials for the API: a key or an account."""

from collections.abc import Mapping
from typing import Protocol

from imageferry.sources.google_drive.config import GoogleDriveConfig


class Credentials(Protocol):
    """Authentication headers of API calls."""

    async def headers(self) -> Mapping[str, str]:
        """Return headers for one call, valid for minutes. Raises BlockedError or TransientError."""
        ...

    def invalidate(self) -> bool:
        """Discard headers that Drive rejected. Return True when new ones may work, so the call is worth a retry."""
        ...


def credentials_from(config: GoogleDriveConfig) -> Credentials | None:
    """Return the configured credentials, an account before a key; None when there are none."""
    if config.account_file is not None:
        # Importing Google's library takes half as long as everything else together.
        from imageferry.sources.google_drive.account_file import AccountFile  # noqa: PLC0415 - slow to import, see above

        return AccountFile(config.account_file)
    if config.api_key:
        return ApiKey(config.api_key)
    return None


class ApiKey:
    """An API key: gives access to what is shared with anyone."""

    def __init__(self, key: str) -> None:
        # In a header, never in the URL: URLs end up in logs.
        self._headers = {"X-Goog-Api-Key": key}

    async def headers(self) -> Mapping[str, str]:
        """See Credentials."""
        return self._headers

    def invalidate(self) -> bool:
        """See Credentials."""
        return False
