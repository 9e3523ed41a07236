"""Putting whole objects to S3 by presigned URLs, with the HTTP client that also downloads."""

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

    def __init__(self, signer: PutUrlSigner, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._signer = signer
        self._timeout_s = timeout_s
        self._client: HttpClient = Client(connections=CONNECTIONS, connect_timeout_s=connect_timeout_s)
        self._works = True

    def give_up(self) -> None:
        """Stop putting objects: the server refuses signed URLs, or the bucket requires other headers."""
        self._works = False

    async def put(self, key: str, data: Content, *, mime_type: str) -> str | Answer | None:
        """Put an object and return its ETag, or the store's refusal. Unless it is an ETag: put it with obstore.

        Raises TimeoutError when the store takes too long, as obstore would.
        """
        url = self._signer.url(key) if self._works else None
        if url is None:
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
            if response.status in _SUCCESS:
                response.close()
                return response.header("ETag")
            return await read_answer(response, method="PUT", url=url, key=key)
        except HttpError as exc:
            if exc.timed_out:
                raise TimeoutError("no response in time") from exc
            return None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.close()


async def read_answer(response: HttpResponse, *, method: str, url: str, key: str = "") -> Answer:
    """Read a store's refusal to its end. Raises HttpError."""
    body = bytes(await response.read(RESPONSE_BYTES_MAX)).decode(errors="replace")
    response.close()
    region = response.header("x-amz-bucket-region")
    return Answer.of_response(method=method, url=url, status=response.status, body=body, key=key, region=region)
