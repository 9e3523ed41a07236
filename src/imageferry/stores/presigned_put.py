"""Puts of whole objects by URLs that the store signs, over the HTTP client that also downloads."""

from http import HTTPStatus

from imageferry.http.client import Client
from imageferry.http.request import HttpError, Request
from imageferry.model import Content
from imageferry.stores.sigv4 import PutSignatures

ANSWER_BYTES_MAX = 64 * 1024
# More than files that a process moves at once: their number is bounded elsewhere.
CONNECTIONS = 1024
_PUT = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class SignedPuts:
    """The short way into an S3 store: by the client of the downloads, so that bytes change threads nowhere.

    It is tried once an object, until the store refuses it, and tells nothing but that it did not work: then obstore
    puts the object, which repeats what may be repeated, and knows what is wrong.
    """

    def __init__(self, signatures: PutSignatures, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._signatures = signatures
        self._timeout_s = timeout_s
        self._client = Client(connections=CONNECTIONS, connect_timeout_s=connect_timeout_s)
        self._given_up = False

    async def put(self, key: str, data: Content, *, mime_type: str) -> str | None:
        """The ETag of what was put; None: put it in the usual way.

        Raises TimeoutError when the store takes too long, as the usual way would.
        """
        if self._given_up:
            return None
        if (url := self._signatures.url(key)) is None:
            self._given_up = True
            return None
        request = Request(
            url=url,
            method="PUT",
            headers={"Content-Type": mime_type},
            body=data,
            timeout_s=self._timeout_s,
            ahead_bytes=ANSWER_BYTES_MAX,
        )
        try:
            answer = await self._client.send(request)
        except HttpError as exc:
            if exc.timed_out:
                raise TimeoutError("no answer in time") from exc
            return None
        answer.close()
        if answer.status in _PUT:
            return answer.header("ETag")
        # Some servers know no signed URLs, some buckets want more headers than this.
        self._given_up = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return None

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        await self._client.close()
