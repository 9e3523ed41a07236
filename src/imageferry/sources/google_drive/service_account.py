"""A Google service account: tokens for it, fetched off the event loop and kept until they run out."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials as GoogleCredentials

from imageferry.errors import BlockedError, Reason, TransientError

SCOPES = ("https://www.googleapis.com/auth/drive.readonly",)
TOKEN_TIMEOUT_S = 20.0
TOKEN_MARGIN_S = 300.0  # a token is renewed so long before it ends: a batch may take minutes


class ServiceAccount:
    """An account of its own, which also sees what is shared with its address; tokens are cached."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._renewing = asyncio.Lock()
        self._headers: Mapping[str, str] = {}
        self._renew_at_s = 0.0  # by the monotonic clock; 0: there is no token

    async def headers(self) -> Mapping[str, str]:
        """See Credentials."""
        if time.monotonic() >= self._renew_at_s:
            async with self._renewing:
                if time.monotonic() >= self._renew_at_s:  # else another call renewed it meanwhile
                    await self._renew()
        return self._headers

    def refused(self) -> bool:
        """See Credentials."""
        self._renew_at_s = 0.0
        return True

    async def _renew(self) -> None:
        try:
            # google-auth blocks: it reads the file, signs, and waits for the token's server.
            token, lifetime_s = await asyncio.to_thread(self._fetch_token)
        except (OSError, ValueError) as exc:
            raise BlockedError(
                Reason.CREDENTIALS_REJECTED,
                f"The service account's file {self._file} cannot be used: {_first_line(exc)}",
            ) from exc
        except GoogleAuthError as exc:
            raise _refusal(exc) from exc
        self._headers = {"Authorization": f"Bearer {token}"}
        self._renew_at_s = time.monotonic() + max(lifetime_s - TOKEN_MARGIN_S, lifetime_s / 2)

    def _fetch_token(self) -> tuple[str, float]:
        """A token and the seconds that it lives; blocks."""
        account = GoogleCredentials.from_service_account_file(  # type: ignore[no-untyped-call] # google-auth's
            str(self._file), scopes=SCOPES
        )
        account.refresh(partial(Request(), timeout=TOKEN_TIMEOUT_S))
        lifetime = account.expiry.replace(tzinfo=UTC) - datetime.now(UTC)  # google-auth's UTC is naive
        return account.token, lifetime.total_seconds()


def _refusal(exc: GoogleAuthError) -> BlockedError | TransientError:
    if exc.retryable or isinstance(exc, TransportError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google's token server cannot be reached: {_first_line(exc)}")
    return BlockedError(
        Reason.CREDENTIALS_REJECTED,
        f"Google does not accept the service account of GOOGLE_APPLICATION_CREDENTIALS: {_first_line(exc)}.",
    )


def _first_line(exc: Exception) -> str:
    told = str(exc.args[0]) if exc.args else type(exc).__name__
    return (told.splitlines() or [""])[0][:300]
