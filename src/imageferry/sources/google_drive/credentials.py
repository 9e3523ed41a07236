"""Who Drive is asked as: a holder of an API key, or a service account."""

from collections.abc import Mapping
from typing import Protocol

from imageferry.sources.google_drive.config import GoogleDriveConfig


class Credentials(Protocol):
    """What is sent along with a call to prove who asks."""

    async def headers(self) -> Mapping[str, str]:
        """Headers for one call, valid for minutes; raises BlockedError or TransientError."""
        ...

    def refused(self) -> bool:
        """Drive refused the last headers; True: others may be had, try once more."""
        ...


def credentials_from(config: GoogleDriveConfig) -> Credentials | None:
    """The strongest that are configured: the account's before the key's; None when there are none."""
    if config.service_account_file is not None:
        # Google's library takes as long to import as half of all else: only an account waits for it.
        from imageferry.sources.google_drive.service_account import ServiceAccount  # noqa: PLC0415 - said above

        return ServiceAccount(config.service_account_file)
    if config.api_key:
        return ApiKey(config.api_key)
    return None


class ApiKey:
    """A key, which opens what is shared with anyone."""

    def __init__(self, key: str) -> None:
        # In a header, never in the URL: URLs end up in logs.
        self._headers = {"X-Goog-Api-Key": key}

    async def headers(self) -> Mapping[str, str]:
        """See Credentials."""
        return self._headers

    def refused(self) -> bool:
        """See Credentials."""
        return False
