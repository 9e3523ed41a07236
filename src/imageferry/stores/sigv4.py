"""URLs that permit to put an object, many of them: obstore signs one, and the others differ in key and signature."""

import hmac
import time
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

# A clock that is slow by as much does not matter, as with any signed request.
VALID_S = 900.0
ANEW_AFTER_S = 60.0
_PROBE = "k"


class PutSignatures:
    """Signs as AWS's Signature Version 4 says for URLs, for what obstore has said of endpoint, account and time.

    None where obstore cannot sign, or does so in a way that is not this one.
    """

    def __init__(self, store: S3Store, *, secret_access_key: str) -> None:
        self._store = store
        self._secret = f"AWS4{secret_access_key}".encode()
        self._good_until_s = 0.0
        self._works = True

    def url(self, key: str) -> str | None:
        """A URL for one key; a secret."""
        if time.monotonic() > self._good_until_s:
            self._begin()
        return self._signed(key) if self._works else None

    def _begin(self) -> None:
        self._good_until_s = time.monotonic() + ANEW_AFTER_S
        try:
            # The keys are known beforehand: nothing is asked for over the network here.
            url = obstore.sign(self._store, "PUT", _PROBE, timedelta(seconds=VALID_S))
        except BaseError:
            self._works = False
            return
        parts = urlsplit(url)
        told = dict(parse_qsl(parts.query))
        told.pop("X-Amz-Signature", None)
        query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(told.items()))
        path = parts.path.removesuffix(_PROBE)
        _, _, scope = told.get("X-Amz-Credential", "").partition("/")
        self._key = self._secret
        for part in scope.split("/"):
            self._key = _hmac(self._key, part.encode()).digest()
        self._before = f"{parts.scheme}://{parts.netloc}{path}"
        self._after = f"?{query}&X-Amz-Signature="
        self._request = (f"PUT\n{path}", f"\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD")
        self._to_sign = f"AWS4-HMAC-SHA256\n{told.get('X-Amz-Date', '')}\n{scope}\n"
        self._works = self._signed(_PROBE).rpartition("=")[2] == url.rpartition("=")[2]

    def _signed(self, key: str) -> str:
        path = quote(key, safe="/")
        begin, end = self._request
        asked = sha256(f"{begin}{path}{end}".encode()).hexdigest()
        signature = _hmac(self._key, f"{self._to_sign}{asked}".encode()).hexdigest()
        return f"{self._before}{path}{self._after}{signature}"


def _hmac(key: bytes, message: bytes) -> "hmac.HMAC":
    return hmac.new(key, message, sha256)
