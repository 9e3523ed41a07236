"""Reading response bodies: whole or as a stream, checked against the announced size, always bounded."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from imageferry.errors import Reason, TransientError
from imageferry.model import Content, File
from imageferry.sources.google_drive.config import Timeouts
from imageferry.sources.google_drive.error_response import ErrorResponse
from imageferry.sources.google_drive.response import DriveResponse

CHUNK_SIZE_BYTES = 256 << 10
WHOLE_SIZE_BYTES_MAX = 256 << 20
START_SIZE_BYTES_MAX = 64 << 10


def prefetch_bytes(size_bytes: int | None) -> int:
    """Return how much of a body to prefetch: all of it and a byte more where the size is known, else one chunk."""
    return CHUNK_SIZE_BYTES if size_bytes is None else min(size_bytes, WHOLE_SIZE_BYTES_MAX) + 1


async def read_whole(response: DriveResponse, *, file: File, timeouts: Timeouts) -> Content:
    """Return a file's bytes. Raises TransientError(CORRUPT) when the number differs from the announced size."""
    await _check_length(response, file=file, offset_bytes=0)
    if file.size_bytes is None or file.size_bytes > WHOLE_SIZE_BYTES_MAX:
        return await _read_unsized(response, file=file, timeouts=timeouts)
    body = await response.read(file.size_bytes + 1)
    if len(body) != file.size_bytes:
        response.close()
        raise _wrong_size(file, size_bytes=len(body))
    return body


async def stream(
    response: DriveResponse, *, file: File, offset_bytes: int, timeouts: Timeouts
) -> AsyncGenerator[Content, None]:
    """Yield a file's bytes from an offset on, also when the server ignored the Range header.

    Raises TransientError(CORRUPT) as `read_whole` does, and TransientError(SOURCE_UNAVAILABLE) when the bytes come
    too slowly; the time that the caller spends on each chunk does not count.
    """
    bytes_to_skip = offset_bytes if response.status != HTTPStatus.PARTIAL_CONTENT else 0
    position = offset_bytes - bytes_to_skip
    await _check_length(response, file=file, offset_bytes=position)
    waited_s = 0.0
    received_bytes = 0
    try:
        while True:
            started_at_s = time.monotonic()
            try:
                async with asyncio.timeout(timeouts.body_s(received_bytes + CHUNK_SIZE_BYTES) - waited_s):
                    chunk = await response.read(CHUNK_SIZE_BYTES)
            except TimeoutError as exc:
                message = f"The download of file {file.id} stalled after {received_bytes} bytes."
                raise TransientError(Reason.SOURCE_UNAVAILABLE, message) from exc
            if not chunk:
                break
            waited_s += time.monotonic() - started_at_s
            received_bytes += len(chunk)
            if file.size_bytes is not None and position + received_bytes > file.size_bytes:
                raise _wrong_size(file, size_bytes=position + received_bytes)
            if bytes_to_skip:
                chunk, bytes_to_skip = chunk[bytes_to_skip:], max(bytes_to_skip - len(chunk), 0)
            if chunk:
                yield chunk
        if file.size_bytes not in {None, position + received_bytes}:
            raise _wrong_size(file, size_bytes=position + received_bytes)
    finally:
        response.close()


async def _read_unsized(response: DriveResponse, *, file: File, timeouts: Timeouts) -> bytes:
    """Return the bytes of a file of unknown size, at most WHOLE_SIZE_BYTES_MAX."""
    body = bytearray()
    async with aclosing(stream(response, file=file, offset_bytes=0, timeouts=timeouts)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > WHOLE_SIZE_BYTES_MAX:
                raise TransientError(Reason.CORRUPT, f"File {file.id} is too large to be read at once.")
    return bytes(body)


async def read_bounded(response: DriveResponse, *, size_bytes_max: int) -> bytes:
    """Return a body of unknown size. Raises TransientError when it exceeds `size_bytes_max`."""
    try:
        body = await response.read(size_bytes_max + 1)
    finally:
        response.close()
    if len(body) > size_bytes_max:
        raise TransientError(Reason.CORRUPT, f"The response is larger than {size_bytes_max} bytes.")
    return bytes(body)


async def read_start(response: DriveResponse) -> bytes:
    """Return the start of an error page or of an unexpected body; empty when it breaks off."""
    try:
        return bytes(await response.read(START_SIZE_BYTES_MAX))
    except TransientError:
        return b""  # the status says most
    finally:
        response.close()


def error_response_from(response: DriveResponse, *, body: bytes) -> ErrorResponse:
    """Parse an error response whose body was read by `read_start`."""
    return ErrorResponse.parse(
        status=response.status,
        content_type=response.content_type,
        body=body,
        retry_after=response.header("Retry-After"),
    )


def is_unexpected_page(response: DriveResponse, *, file: File) -> bool:
    """Return True when the response is HTML or JSON and the file is not: it must not be stored as an image."""
    kind = response.content_type
    return kind in {"text/html", "application/json"} and kind != file.mime_type


async def _check_length(response: DriveResponse, *, file: File, offset_bytes: int) -> None:
    """Raise TransientError(CORRUPT) when Content-Length differs from the listed size."""
    length_bytes = response.content_length_bytes
    if length_bytes is not None and file.size_bytes not in {None, length_bytes + offset_bytes}:
        response.close()
        raise _wrong_size(file, size_bytes=length_bytes + offset_bytes)


def _wrong_size(file: File, *, size_bytes: int) -> TransientError:
    return TransientError(
        Reason.CORRUPT, f"File {file.id} is listed with {file.size_bytes} bytes, but {size_bytes} or more were sent."
    )
