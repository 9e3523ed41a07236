"""Who may come in: the token, the one-time codes that stand in for it, and the sessions of browsers."""

import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "imageferry"
SESSION_S = 30 * 24 * 3600
CODE_S = 600
CODES_MAX = 16


class Sessions:
    """Knows the token, and who signed in with it.

    A session is a signed word that a browser keeps: any gateway with the same token knows it, after a restart too,
    and it ends when the token is changed. It tells nothing of the token.
    """

    def __init__(self, token: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._token = token.encode()
        self._signer = URLSafeTimedSerializer(
            token, salt="imageferry.session", signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )
        self._clock_s = clock_s
        self._codes: dict[bytes, float] = {}  # digests, and when they end

    def is_token(self, given: str) -> bool:
        """True: it is the token; tells nothing more by the time it takes."""
        return secrets.compare_digest(given.encode(errors="replace"), self._token)

    def new_code(self) -> str:
        """A code that opens one session, within `CODE_S` seconds, at this process."""
        while len(self._codes) >= CODES_MAX:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(24)
        self._codes[_digest(code)] = self._clock_s() + CODE_S
        return code

    def redeem(self, code: str) -> bool:
        """True, once: the code is one of ours, and its time is not over."""
        return self._codes.pop(_digest(code), 0.0) > self._clock_s()

    def begin(self) -> str:
        """The word of a new session."""
        return str(self._signer.dumps(secrets.token_hex(8)))

    def knows(self, session: str) -> bool:
        """True: the word is of a session that lasts."""
        try:
            self._signer.loads(session, max_age=SESSION_S)
        except BadData:
            return False
        return True


def _digest(code: str) -> bytes:
    # Looked up by its digest, a code tells nothing by the time it takes.
    return sha256(code.encode(errors="replace")).digest()
