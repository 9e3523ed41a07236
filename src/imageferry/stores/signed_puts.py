"""Puts of whole objects by URLs that the store signs, over the HTTP client that also downloads."""

from datetime import timedelta
from http import HTTPStatus

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

from imageferry.model import Content

ANSWER_BYTES_MAX = 64 * 1024
# A clock that is slow by as much does not matter, as with any signed request.
VALID_S = 900.0
_PUT = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})


class SignedPuts:
    """The short way into an S3 store: one thread serves it and the downloads, so that bytes change threads once.

    It is tried once an object, until the store refuses it, and tells nothing but that it did not work: then obstore
    puts the object, which repeats what may be repeated, and knows what is wrong.
    """

    def __init__(self, store: S3Store, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._store = store
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._client: Client | None = None
        self._given_up = False

    async def put(self, key: str, data: Content, *, mime_type: str) -> str | None:
        """The ETag of what was put; None: put it in the usual way.

        Raises TimeoutError when the store takes too long, as the usual way would.
        """
        if self._given_up:
            return None
        try:
            # The keys are known beforehand: nothing is asked for over the network here.
            url = obstore.sign(self._store, "PUT", key, timedelta(seconds=VALID_S))
        except BaseError:
            self._given_up = True
            return None
        request = self._opened().put(url).header("Content-Type", mime_type).body_bytes(data)
        sent = request.streamed_read_buffer_limit(ANSWER_BYTES_MAX).build_streamed()
        try:
            answer = await sent.__aenter__()
        except RequestError as exc:
            if isinstance(exc, TimeoutError):
                raise TimeoutError("no answer in time") from None  # the error names the URL, which is a secret
            return None
        if answer.status in _PUT:
            return answer.get_header("ETag")
        # Some servers know no signed URLs, some buckets want more headers than this.
        self._given_up = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        await sent.__aexit__(None, None, None)
        return None

    def _opened(self) -> Client:
        if self._client is None:
            self._client = (
                ClientBuilder()
                .follow_redirects(enable=False)
                .timeout(timedelta(seconds=self._timeout_s))
                .connect_timeout(timedelta(seconds=self._connect_timeout_s))
                .build()
            )
        return self._client
