"""Calls to a remote gateway's HTTP API; error responses are raised as ImageferryError."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec

from imageferry.errors import (
    ConflictError,
    FatalError,
    ImageferryError,
    NotFoundError,
    Reason,
    TransientError,
    UsageError,
)
from imageferry.http.base import HttpClient, HttpError, Request
from imageferry.http.client import Client
from imageferry.secret import Secret, reveal_if_set

CALL_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS = 16
STREAM_TIMEOUT_S = 12 * 3600.0
CHUNK_BYTES = 64 * 1024
RESPONSE_BYTES_MAX = 1 << 30

# Query parameters: None is left out, a list becomes one parameter per value.
Query = Mapping[str, str | int | Sequence[str] | None]


@asynccontextmanager
async def open_http_api(url: str, *, token: Secret | None) -> "AsyncIterator[HttpApi]":
    """Open the API of the gateway at a URL. Connections are made on first use."""
    client = Client(connections=CONNECTIONS, connect_timeout_s=CONNECT_TIMEOUT_S)
    try:
        yield HttpApi(client, url=url.rstrip("/"), token=reveal_if_set(token))
    finally:
        await client.close()


class HttpApi:
    """The API of one gateway. Raises TransientError when the gateway can't be reached."""

    def __init__(self, client: HttpClient, *, url: str, token: str | None) -> None:
        self._client = client
        self._url = url
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send a request with a JSON body; return the decoded JSON of the response, or None when it is empty."""
        content = None if body is None else msgspec.json.encode(body)
        request = Request(
            url=self._request_url(path, query),
            method=method,
            headers=self._headers if content is None else self._headers | {"Content-Type": "application/json"},
            body=b"" if content is None and method == "POST" else content,
            timeout_s=CALL_TIMEOUT_S,
        )
        try:
            response = await self._client.send(request)
            received = await response.read(RESPONSE_BYTES_MAX)
        except HttpError as exc:
            raise self._unreachable(exc) from exc
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self._error_from(response.status, received)
        if not received:
            return None
        try:
            return msgspec.json.decode(received)
        except msgspec.DecodeError as exc:
            raise self._not_a_gateway() from exc

    async def stream(self, path: str, *, query: Query | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the body of a GET response in chunks, for as long as STREAM_TIMEOUT_S."""
        request = Request(
            url=self._request_url(path, query),
            headers=self._headers,
            timeout_s=STREAM_TIMEOUT_S,
            prefetch_bytes=CHUNK_BYTES,
        )
        try:
            response = await self._client.send(request)
            if response.status != HTTPStatus.OK:
                raise self._error_from(response.status, await response.read(RESPONSE_BYTES_MAX))
            try:
                while chunk := await response.read(CHUNK_BYTES):
                    yield bytes(chunk)
            finally:
                response.close()
        except HttpError as exc:
            raise self._unreachable(exc) from exc

    def _request_url(self, path: str, query: Query | None) -> str:
        pairs = _query_pairs(query or {})
        return f"{self._url}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def _unreachable(self, exc: Exception) -> ImageferryError:
        message = (
            f"Can't reach imageferry at {self._url}. Check IMAGEFERRY_SERVER, and that `imageferry serve` runs there."
        )
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"{message} ({exc})")

    def _not_a_gateway(self) -> ImageferryError:
        message = f"The server at {self._url} is not imageferry. Check IMAGEFERRY_SERVER."
        return FatalError(Reason.MISCONFIGURED, message)

    def _error_from(self, status: int, content: bytes | bytearray) -> ImageferryError:
        try:
            detail = str(msgspec.json.decode(content)["detail"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._not_a_gateway()
        match status:
            case HTTPStatus.UNAUTHORIZED:
                message = f"imageferry at {self._url} requires its access token. Set IMAGEFERRY_API_TOKEN to it."
                return FatalError(Reason.MISCONFIGURED, message)
            case HTTPStatus.NOT_FOUND:
                return NotFoundError(Reason.GONE, detail)
            case HTTPStatus.CONFLICT:
                return ConflictError(Reason.CONFLICT, detail)
            case _ if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return UsageError(Reason.MISCONFIGURED, detail)
            case _:
                return TransientError(Reason.CATALOG_UNAVAILABLE, detail)


def _query_pairs(query: Query) -> list[tuple[str, str]]:
    present = ((name, value) for name, value in query.items() if value is not None)
    lists = ((name, [str(value)] if isinstance(value, str | int) else value) for name, value in present)
    return [(name, value) for name, values in lists for value in values]
