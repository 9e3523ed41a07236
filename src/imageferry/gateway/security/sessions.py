"""Credentials: the access token, one-time login codes, and browser sessions."""

import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer

from imageferry.clock import now_ms

COOKIE = "imageferry"
SESSION_S = 30 * 24 * 3600
LOGIN_CODE_S = 600
LOGIN_CODES_MAX = 16


class Sessions:
    """Checks the access token, and issues and checks login codes and sessions.

    A session is a signed value in a cookie. Any gateway with the same token accepts it, also after a restart. It
    becomes invalid when the token changes or when its id is one of the ended sessions, and reveals nothing about the
    token.
    """

    def __init__(self, token: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._token = token.encode()
        self._signer = URLSafeTimedSerializer(
            token, salt="imageferry.session", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )
        self._clock_s = clock_s
        self._expires_at_s: dict[bytes, float] = {}  # by the login code's digest
        self._ended_ms: dict[str, int] = {}  # by the session's id

    def is_valid_token(self, token: str) -> bool:
        """Return whether this is the access token, in constant time."""
        return secrets.compare_digest(token.encode(errors="replace"), self._token)

    def create_login_code(self) -> str:
        """Return a code that opens one session, within `LOGIN_CODE_S` seconds, at this process."""
        while len(self._expires_at_s) >= LOGIN_CODES_MAX:
            del self._expires_at_s[next(iter(self._expires_at_s))]
        code = secrets.token_urlsafe(24)
        self._expires_at_s[_digest(code)] = self._clock_s() + LOGIN_CODE_S
        return code

    def redeem_login_code(self, code: str) -> bool:
        """Return True, once, for a code of this process that has not expired."""
        return self._expires_at_s.pop(_digest(code), 0.0) > self._clock_s()

    def create_session(self) -> str:
        """Return the cookie value of a new session."""
        return str(self._signer.dumps(secrets.token_hex(8)))

    def is_valid_session(self, session: str) -> bool:
        """Return whether this is the cookie value of a session that has neither expired nor been ended."""
        return self.session_id(session) is not None

    def session_id(self, session: str) -> str | None:
        """Return the id of a valid session, by its cookie value; None if it is not valid."""
        try:
            session_id = str(self._signer.loads(session, max_age=SESSION_S))
        except BadData:
            return None
        return None if session_id in self._ended_ms else session_id

    def add_ended(self, ended_ms: Mapping[str, int]) -> None:
        """Refuse these sessions from now on, given by id with the time of their end; forget those that have expired."""
        oldest_ms = now_ms() - SESSION_S * 1000
        self._ended_ms = {key: at_ms for key, at_ms in {**self._ended_ms, **ended_ms}.items() if at_ms >= oldest_ms}


def _digest(code: str) -> bytes:
    # Looking up the digest instead of the code leaks nothing about the code by its duration.
    return sha256(code.encode(errors="replace")).digest()
