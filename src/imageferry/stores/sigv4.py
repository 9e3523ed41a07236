"""Presigned PUT URLs (AWS Signature Version 4): obstore signs a template, and each key gets its own signature."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from urllib.parse import parse_qsl, quote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

# Tolerates a clock that is slow by as much, as any signed request does.
VALID_S = 900.0
RENEW_AFTER_S = 60.0
_PROBE = "k"


class PutUrlSigner:
    """Signs PUT URLs with the endpoint, account and time of a URL that obstore signed.

    Its own signature of that URL must equal obstore's; otherwise `url` returns None for good.
    """

    def __init__(self, store: S3Store, *, secret_access_key: str, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._secret = f"AWS4{secret_access_key}".encode()
        self._renew_at_s = 0.0
        self._works = True

    def url(self, key: str) -> str | None:
        """Return a presigned PUT URL for a key (a secret), or None when this signer cannot sign.

        Nor does it sign a key with `..`, which would lead out of the store's prefix on the way; obstore refuses it.
        """
        if not {"", ".", ".."}.isdisjoint(key.split("/")):
            return None
        if self._clock() > self._renew_at_s:
            self._renew()
        return self._signed(key) if self._works else None

    def _renew(self) -> None:
        self._renew_at_s = self._clock() + RENEW_AFTER_S
        try:
            # The credentials are static, so this does no network I/O.
            url = obstore.sign(self._store, "PUT", _PROBE, timedelta(seconds=VALID_S))
        except BaseError:
            self._works = False
            return
        parts = urlsplit(url)
        parameters = dict(parse_qsl(parts.query))
        parameters.pop("X-Amz-Signature", None)
        query = "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items())
        )
        path = parts.path.removesuffix(_PROBE)
        _, _, scope = parameters.get("X-Amz-Credential", "").partition("/")
        self._signing_key = self._secret
        for part in scope.split("/"):
            self._signing_key = _hmac(self._signing_key, part.encode()).digest()
        self._url_prefix = f"{parts.scheme}://{parts.netloc}{path}"
        self._url_suffix = f"?{query}&X-Amz-Signature="
        self._canonical_request = (f"PUT\n{path}", f"\n{query}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD")
        self._string_to_sign = f"AWS4-HMAC-SHA256\n{parameters.get('X-Amz-Date', '')}\n{scope}\n"
        self._works = self._signed(_PROBE).rpartition("=")[2] == url.rpartition("=")[2]

    def _signed(self, key: str) -> str:
        path = quote(key, safe="/")
        prefix, suffix = self._canonical_request
        request_hash = sha256(f"{prefix}{path}{suffix}".encode()).hexdigest()
        signature = _hmac(self._signing_key, f"{self._string_to_sign}{request_hash}".encode()).hexdigest()
        return f"{self._url_prefix}{path}{self._url_suffix}{signature}"


def _hmac(key: bytes, message: bytes) -> "hmac.HMAC":
    return hmac.new(key, message, sha256)
