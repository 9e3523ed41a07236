"""Putting whole objects to S3 by presigned URLs, with the HTTP client that also downloads."""

from http import HTTPStatus

from imageferry.http.client import Client
from imageferry.http.request import HttpError, Request
from imageferry.model import Content
from imageferry.stores.sigv4 import PutUrlSigner

RESPONSE_BYTES_MAX = 64 * 1024
# More than a process ever uses: concurrent transfers are limited elsewhere.
CONNECTIONS = 1024
_SUCCESS = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class PresignedPuts:
    """Fast path for S3 puts on the event loop: no byte changes threads, as it would with obstore.

    Tried once per object, until the server rejects one. It doesn't report errors: on any failure obstore puts the
    object instead, which retries and reports what is wrong.
    """

    def __init__(self, signer: PutUrlSigner, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._signer = signer
        self._timeout_s = timeout_s
        self._client = Client(connections=CONNECTIONS, connect_timeout_s=connect_timeout_s)
        self._rejected = False

    async def put(self, key: str, data: Content, *, mime_type: str) -> str | None:
        """Put an object and return its ETag; None: put it with obstore.

        Raises TimeoutError when the store takes too long, as obstore would.
        """
        if self._rejected:
            return None
        if (url := self._signer.url(key)) is None:
            self._rejected = True
            return None
        request = Request(
            url=url,
            method="PUT",
            headers={"Content-Type": mime_type},
            body=data,
            timeout_s=self._timeout_s,
            prefetch_bytes=RESPONSE_BYTES_MAX,
        )
        try:
            response = await self._client.send(request)
        except HttpError as exc:
            if exc.timed_out:
                raise TimeoutError("no response in time") from exc
            return None
        response.close()
        if response.status in _SUCCESS:
            return response.header("ETag")
        # Some servers do not support signed URLs; some buckets require other headers.
        self._rejected = HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.close()
