"""Presigned PUT URLs (AWS Signature Version 4): obstore signs a template, and each key gets its own signature."""

import asyncio
import hmac
from collections.abc import Callable, Mapping
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
_HOST_ONLY = "X-Amz-SignedHeaders=host"


class PutUrlSigner:
    """Signs PUT URLs with the endpoint, account and time of a URL that obstore signed.

    `secret_key_of` returns the secret of an access key ID. The signature of obstore's URL must be reproduced with
    it; otherwise `url` returns None until the next URL of obstore, RENEW_AFTER_S later.
    """

    def __init__(
        self, store: S3Store, *, secret_key_of: Callable[[str], str | None], clock: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._secret_key_of = secret_key_of
        self._clock = clock
        self._renew_at_s = 0.0
        self._renewing = asyncio.Lock()
        self._works = False

    async def url(self, key: str, *, headers: Mapping[str, str]) -> str | None:
        """Return a presigned PUT URL for a key (a secret), or None when this signer cannot sign.

        It is valid for a request with exactly these `x-amz-` headers, in lower case, and any others. A key with `..`,
        which would lead out of the store's prefix on the way, is not signed; obstore refuses it.
        """
        if not {"", ".", ".."}.isdisjoint(key.split("/")):
            return None
        if self._clock() > self._renew_at_s:
            async with self._renewing:
                if self._clock() > self._renew_at_s:
                    await self._renew()
        return self._signed(key, headers) if self._works else None

    async def _renew(self) -> None:
        self._works = False
        try:
            url: str = await obstore.sign_async(self._store, "PUT", _PROBE, timedelta(seconds=VALID_S))
        except BaseError:
            return
        finally:
            self._renew_at_s = self._clock() + RENEW_AFTER_S
        parts = urlsplit(url)
        parameters = dict(parse_qsl(parts.query))
        parameters.pop("X-Amz-Signature", None)
        access_key_id, _, scope = parameters.get("X-Amz-Credential", "").partition("/")
        secret_key = self._secret_key_of(access_key_id)
        if secret_key is None:
            return
        self._signing_key = f"AWS4{secret_key}".encode()
        for part in scope.split("/"):
            self._signing_key = _hmac(self._signing_key, part.encode()).digest()
        self._query = "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items())
        )
        self._origin, self._host = f"{parts.scheme}://{parts.netloc}", parts.netloc
        self._path = parts.path.removesuffix(_PROBE)
        self._string_to_sign = f"AWS4-HMAC-SHA256\n{parameters.get('X-Amz-Date', '')}\n{scope}\n"
        self._works = self._signed(_PROBE, {}).rpartition("=")[2] == url.rpartition("=")[2]

    def _signed(self, key: str, headers: Mapping[str, str]) -> str:
        path = f"{self._path}{quote(key, safe='/')}"
        signed = sorted({"host": self._host, **headers}.items())
        names = ";".join(name for name, _ in signed)
        query = self._query.replace(_HOST_ONLY, f"X-Amz-SignedHeaders={quote(names, safe='')}")
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        request_hash = sha256(f"PUT\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD".encode()).hexdigest()
        signature = _hmac(self._signing_key, f"{self._string_to_sign}{request_hash}".encode()).hexdigest()
        return f"{self._origin}{path}?{query}&X-Amz-Signature={signature}"


def _hmac(key: bytes, message: bytes) -> "hmac.HMAC":
    return hmac.new(key, message, sha256)
