"""Calls to the HTTP interface of a gateway elsewhere, and its refusals as sentences."""

from collections.abc import AsyncIterator, Mapping, Sequence
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
from imageferry.http.client import Client
from imageferry.http.request import HttpError, Request
from imageferry.secret import Secret, revealed

ANSWER_WITHIN_S = 30.0
CONNECT_WITHIN_S = 5.0
CONNECTIONS = 16
STREAMED_WITHIN_S = 12 * 3600.0
CHUNK_BYTES = 64 * 1024
ANSWER_BYTES_MAX = 1 << 30


@asynccontextmanager
async def open_calls(url: str, *, token: Secret | None) -> "AsyncIterator[Calls]":
    """Calls to the gateway at a URL; connections are made as they are needed."""
    client = Client(connections=CONNECTIONS, connect_timeout_s=CONNECT_WITHIN_S)
    try:
        yield Calls(client, url=url.rstrip("/"), token=revealed(token))
    finally:
        await client.close()


class Calls:
    """One gateway. One that does not answer raises TransientError."""

    def __init__(self, client: Client, *, url: str, token: str | None) -> None:
        self._client = client
        self._url = url
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | Sequence[str] | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - any JSON
        """What it answers, decoded; of the query, None is left out, and a list is given value by value."""
        sent = None if body is None else msgspec.json.encode(body)
        request = Request(
            url=self._address(path, query),
            method=method,
            headers=self._headers if sent is None else self._headers | {"Content-Type": "application/json"},
            body=b"" if sent is None and method == "POST" else sent,
            timeout_s=ANSWER_WITHIN_S,
        )
        try:
            answer = await self._client.send(request)
            content = await answer.read(ANSWER_BYTES_MAX)
        except HttpError as exc:
            raise self._away(exc) from exc
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(answer.status, content)
        if not content:
            return None
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError as exc:
            raise self._no_gateway() from exc

    async def stream(
        self, path: str, *, query: Mapping[str, str | int | Sequence[str] | None] | None = None
    ) -> AsyncIterator[bytes]:
        """What it answers, as it comes, however long that takes."""
        request = Request(
            url=self._address(path, query), headers=self._headers, timeout_s=STREAMED_WITHIN_S, ahead_bytes=CHUNK_BYTES
        )
        try:
            answer = await self._client.send(request)
            if answer.status != HTTPStatus.OK:
                raise self._refused(answer.status, await answer.read(ANSWER_BYTES_MAX))
            try:
                while chunk := await answer.read(CHUNK_BYTES):
                    yield bytes(chunk)
            finally:
                answer.close()
        except HttpError as exc:
            raise self._away(exc) from exc

    def _address(self, path: str, query: Mapping[str, str | int | Sequence[str] | None] | None) -> str:
        pairs = _pairs(query or {})
        return f"{self._url}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def _away(self, exc: Exception) -> ImageferryError:
        message = f"No gateway answers at {self._url}: check IMAGEFERRY_SERVER, and that `imageferry serve` runs there."
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"{message} ({exc})")

    def _no_gateway(self) -> ImageferryError:
        return FatalError(
            Reason.MISCONFIGURED, f"What answers at {self._url} is no imageferry: check IMAGEFERRY_SERVER."
        )

    def _refused(self, status: int, content: bytes | bytearray) -> ImageferryError:
        try:
            detail = str(msgspec.json.decode(content)["detail"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._no_gateway()
        match status:
            case HTTPStatus.UNAUTHORIZED:
                message = f"The gateway at {self._url} asks for its token: set IMAGEFERRY_API_TOKEN to it."
                return FatalError(Reason.MISCONFIGURED, message)
            case HTTPStatus.NOT_FOUND:
                return NotFoundError(Reason.GONE, detail)
            case HTTPStatus.CONFLICT:
                return ConflictError(Reason.CONFLICT, detail)
            case _ if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return UsageError(Reason.MISCONFIGURED, detail)
            case _:
                return TransientError(Reason.CATALOG_UNAVAILABLE, detail)


def _pairs(query: Mapping[str, str | int | Sequence[str] | None]) -> list[tuple[str, str]]:
    given = ((name, value) for name, value in query.items() if value is not None)
    listed = ((name, [str(value)] if isinstance(value, str | int) else value) for name, value in given)
    return [(name, value) for name, values in listed for value in values]
