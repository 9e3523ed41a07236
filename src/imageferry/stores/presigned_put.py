"""Putting whole objects to S3 by presigned URLs, with the HTTP client that also downloads."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5, sha256
from http import HTTPStatus

from imageferry.http.base import HttpClient, HttpError, HttpResponse, Request
from imageferry.http.client import Client
from imageferry.model import Content
from imageferry.stores.answers import Answer
from imageferry.stores.sigv4 import PutUrlSigner

RESPONSE_BYTES_MAX = 64 * 1024
# More than a process ever uses: concurrent transfers are limited elsewhere.
CONNECTIONS = 1024
_SUCCESS = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class PresignedPuts:
    """Fast path for S3 puts on the event loop: no byte changes threads, as it would with obstore.

    Tried once per object. On any failure obstore puts the object instead, which retries; what the store answered
    here is returned, because obstore discards some of it.
    """

    def __init__(
        self,
        signer: PutUrlSigner,
        *,
        headers: Mapping[str, str],
        sends_sha256: bool,
        timeout_s: float,
        connect_timeout_s: float,
    ) -> None:
        self._signer = signer
        self._headers = headers  # `x-amz-` headers of every object
        self._sends_sha256 = sends_sha256
        self._timeout_s = timeout_s
        self._client: HttpClient = Client(connections=CONNECTIONS, connect_timeout_s=connect_timeout_s)
        self._works = True

    def give_up(self) -> None:
        """Stop putting objects: the server refuses signed URLs, or the bucket requires other headers."""
        self._works = False

    async def put(self, key: str, data: Content, *, mime_type: str, md5_hex: str | None) -> str | Answer | None:
        """Put an object and return its ETag, or the store's refusal. Unless it is an ETag: put it with obstore.

        Where the bytes do not have the MD5 `md5_hex` and the store notices, it stores nothing, and their own MD5 is
        returned. Raises TimeoutError when the store takes too long, as obstore would.
        """
        if not self._works:
            return None
        headers = self._headers
        if self._sends_sha256:
            headers = {**headers, "x-amz-checksum-sha256": _base64(await asyncio.to_thread(_sha256, data))}
        if (url := await self._signer.url(key, headers=headers)) is None:
            return None
        if md5_hex is None:
            md5_hex = await asyncio.to_thread(_md5_hex, data)
        request = Request(
            url=url,
            method="PUT",
            # A bucket with Object Lock takes only what has a digest.
            headers={**headers, "Content-Type": mime_type, "Content-MD5": _base64(bytes.fromhex(md5_hex))},
            body=data,
            timeout_s=self._timeout_s,
            prefetch_bytes=RESPONSE_BYTES_MAX,
        )
        try:
            response = await self._client.send(request)
            if response.status in _SUCCESS:
                response.close()
                return response.header("ETag")
            answer = await read_answer(response, method="PUT", url=url, key=key)
        except HttpError as exc:
            if exc.timed_out:
                raise TimeoutError("no response in time") from exc
            return None
        if answer.code == "BadDigest" and (own_md5_hex := await asyncio.to_thread(_md5_hex, data)) != md5_hex:
            return own_md5_hex
        return answer

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.close()


async def read_answer(response: HttpResponse, *, method: str, url: str, key: str = "") -> Answer:
    """Read a store's refusal to its end. Raises HttpError."""
    body = bytes(await response.read(RESPONSE_BYTES_MAX)).decode(errors="replace")
    response.close()
    region = response.header("x-amz-bucket-region")
    return Answer.of_response(method=method, url=url, status=response.status, body=body, key=key, region=region)


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


def _md5_hex(data: Content) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def _sha256(data: Content) -> bytes:
    return sha256(data).digest()
