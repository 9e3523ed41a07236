"""Access tokens of the account in a credentials file, fetched in a thread and cached until they expire."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from google.auth import aws, identity_pool, impersonated_credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from imageferry.errors import BlockedError, Reason, TransientError

SCOPES = ("https://www.googleapis.com/auth/drive.readonly",)
TOKEN_TIMEOUT_S = 20.0
TOKEN_MARGIN_S = 300.0  # renew a token this long before it expires: a batch may take minutes
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - not a secret
AWS_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 - the name of a type


class _Account(Protocol):
    """Credentials of google-auth, which has no types."""

    token: Any  # str
    expiry: Any  # datetime in UTC, without a zone

    def refresh(self, request: object) -> None: ...


class AccountFile:
    """The account of a credentials file: also has access to what is shared with its e-mail address."""

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
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as exc:  # of a file that is not as it should be
            message = f"The credentials file {self._file} can't be used: {_first_line(exc)}."
            raise BlockedError(Reason.CREDENTIALS_REJECTED, message) from exc
        except GoogleAuthError as exc:
            raise _to_error(exc) from exc
        self._headers = {"Authorization": f"Bearer {token}"}
        self._renew_at_s = time.monotonic() + max(lifetime_s - TOKEN_MARGIN_S, lifetime_s / 2)

    def _fetch_token(self) -> tuple[str, float]:
        """Return a token and its lifetime in seconds. Blocks."""
        account = _open(json.loads(self._file.read_text()))
        account.refresh(partial(Request(), timeout=TOKEN_TIMEOUT_S))
        lifetime = account.expiry.replace(tzinfo=UTC) - datetime.now(UTC)
        return account.token, lifetime.total_seconds()


def _open(info: object) -> _Account:
    """Return the account that the JSON of a credentials file describes. Raises ValueError or KeyError."""
    kind = info.get("type") if isinstance(info, dict) else None
    if not isinstance(info, dict) or kind not in _BY_TYPE:
        *kinds, last = _BY_TYPE
        raise ValueError(f"its type is {kind!r} instead of {', '.join(kinds)} or {last}")
    return _BY_TYPE[kind](info)


def _service_account(info: dict[str, Any]) -> _Account:
    account: _Account = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call] # google-auth has no types
        info, scopes=SCOPES
    )
    return account


def _authorized_user(info: dict[str, Any]) -> _Account:
    # Its scopes were chosen when the user signed in: others would be refused.
    account: _Account = user_credentials.Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=info["refresh_token"],
        client_id=info["client_id"],
        client_secret=info["client_secret"],
        token_uri=info.get("token_uri", GOOGLE_TOKEN_URL),
    )
    return account


def _external_account(info: dict[str, Any]) -> _Account:
    kind = aws.Credentials if info.get("subject_token_type") == AWS_TOKEN_TYPE else identity_pool.Credentials
    account: _Account = kind.from_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]
    return account


def _impersonated(info: dict[str, Any]) -> _Account:
    url = info["service_account_impersonation_url"]
    account: _Account = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=_open(info["source_credentials"]),
        target_principal=url.rpartition("/")[2].removesuffix(":generateAccessToken"),
        target_scopes=list(SCOPES),
        delegates=info.get("delegates"),
        iam_endpoint_override=url,
    )
    return account


_BY_TYPE: dict[str, Callable[[dict[str, Any]], _Account]] = {
    "service_account": _service_account,
    "authorized_user": _authorized_user,
    "external_account": _external_account,
    "impersonated_service_account": _impersonated,
}


def _to_error(exc: GoogleAuthError) -> BlockedError | TransientError:
    if exc.retryable or isinstance(exc, TransportError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google's token server can't be reached: {_first_line(exc)}")
    return BlockedError(
        Reason.CREDENTIALS_REJECTED,
        f"Google rejected the credentials. Check GOOGLE_APPLICATION_CREDENTIALS: {_first_line(exc)}.",
    )


def _first_line(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    if isinstance(exc, KeyError):
        return f"it has no {exc.args[0]!r}"
    message = str(exc.args[0]) if exc.args else type(exc).__name__
    return (message.splitlines() or [""])[0][:300].rstrip(".")
