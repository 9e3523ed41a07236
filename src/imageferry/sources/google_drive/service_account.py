"""Access tokens of a Google service account, fetched in a thread and cached until they expire."""

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
TOKEN_MARGIN_S = 300.0  # renew a token this long before it expires: a batch may take minutes


class ServiceAccount:
    """A service account: also has access to what is shared with its e-mail address."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = asyncio.Lock()
        self._headers: Mapping[str, str] = {}
        self._renew_at_s = 0.0  # monotonic time; 0: there is no token

    async def headers(self) -> Mapping[str, str]:
        """See Credentials."""
        if time.monotonic() >= self._renew_at_s:
            async with self._lock:
                if time.monotonic() >= self._renew_at_s:  # otherwise another call has renewed it
                    await self._renew()
        return self._headers

    def invalidate(self) -> bool:
        """See Credentials."""
        self._renew_at_s = 0.0
        return True

    async def _renew(self) -> None:
        try:
            # google-auth blocks: it reads the file, signs, and calls the token server.
            token, lifetime_s = await asyncio.to_thread(self._fetch_token)
        except (OSError, ValueError) as exc:
            message = f"The service account file {self._file} can't be used: {_first_line(exc)}."
            raise BlockedError(Reason.CREDENTIALS_REJECTED, message) from exc
        except GoogleAuthError as exc:
            raise _to_error(exc) from exc
        self._headers = {"Authorization": f"Bearer {token}"}
        self._renew_at_s = time.monotonic() + max(lifetime_s - TOKEN_MARGIN_S, lifetime_s / 2)

    def _fetch_token(self) -> tuple[str, float]:
        """Return a token and its lifetime in seconds. Blocks."""
        account = GoogleCredentials.from_service_account_file(  # type: ignore[no-untyped-call] # google-auth has no types
            str(self._file), scopes=SCOPES
        )
        account.refresh(partial(Request(), timeout=TOKEN_TIMEOUT_S))
        lifetime = account.expiry.replace(tzinfo=UTC) - datetime.now(UTC)  # google-auth's times are UTC without a zone
        return account.token, lifetime.total_seconds()


def _to_error(exc: GoogleAuthError) -> BlockedError | TransientError:
    if exc.retryable or isinstance(exc, TransportError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google's token server can't be reached: {_first_line(exc)}")
    return BlockedError(
        Reason.CREDENTIALS_REJECTED,
        f"Google rejected the service account. Check GOOGLE_APPLICATION_CREDENTIALS: {_first_line(exc)}.",
    )


def _first_line(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    message = str(exc.args[0]) if exc.args else type(exc).__name__
    return (message.splitlines() or [""])[0][:300]
