"""Bodies of answers: whole or as a stream, checked against what was announced, never without bound."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from aiohttp import ClientResponse

from imageferry.errors import Reason, TransientError
from imageferry.model import File
from imageferry.sources.google_drive.config import Deadlines
from imageferry.sources.google_drive.refusal import Refusal
from imageferry.sources.google_drive.transport import TRANSPORT_ERRORS, broken

CHUNK_SIZE_BYTES_MAX = 1 << 20
WHOLE_SIZE_BYTES_MAX = 256 << 20
OPENING_SIZE_BYTES_MAX = 64 << 10


async def whole(response: ClientResponse, *, file: File, deadlines: Deadlines) -> bytes:
    """A file's bytes; raises TransientError(CORRUPT) when there are more or fewer than announced."""
    announced = _checked_size(response, file=file, offset_bytes=0)
    if announced is None or announced > WHOLE_SIZE_BYTES_MAX or file.size_bytes is None:
        return await _gathered(response, file=file, deadlines=deadlines)
    try:
        return await response.read()
    except TRANSPORT_ERRORS as exc:
        raise broken(exc) from exc


async def stream(
    response: ClientResponse, *, file: File, offset_bytes: int, deadlines: Deadlines
) -> AsyncGenerator[bytes, None]:
    """A file's bytes from an offset on, also when the answer begins at zero although it was asked not to.

    Raises TransientError(CORRUPT) as `whole` does, and TransientError(SOURCE_UNAVAILABLE) when bytes come too
    slowly; the time that whoever reads takes does not count.
    """
    skipping = offset_bytes if response.status != HTTPStatus.PARTIAL_CONTENT else 0
    position = offset_bytes - skipping
    _checked_size(response, file=file, offset_bytes=position)
    waited_s = 0.0
    received_bytes = 0
    try:
        while True:
            asked_at_s = time.monotonic()
            try:
                chunk = await response.content.read(CHUNK_SIZE_BYTES_MAX)
            except TRANSPORT_ERRORS as exc:
                raise broken(exc) from exc
            if not chunk:
                break
            waited_s += time.monotonic() - asked_at_s
            received_bytes += len(chunk)
            if waited_s > deadlines.body_s(received_bytes):
                raise TransientError(
                    Reason.SOURCE_UNAVAILABLE,
                    f"File {file.id} came too slowly: {received_bytes} bytes in {waited_s:.0f} s.",
                )
            if file.size_bytes is not None and position + received_bytes > file.size_bytes:
                raise _wrong_size(file, size_bytes=position + received_bytes)
            if skipping:
                chunk, skipping = chunk[skipping:], max(skipping - len(chunk), 0)
            if chunk:
                yield chunk
        if file.size_bytes not in {None, position + received_bytes}:
            raise _wrong_size(file, size_bytes=position + received_bytes)
    finally:
        response.close()


async def _gathered(response: ClientResponse, *, file: File, deadlines: Deadlines) -> bytes:
    """A file's bytes of which nobody said beforehand how many there are."""
    body = bytearray()
    async with aclosing(stream(response, file=file, offset_bytes=0, deadlines=deadlines)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > WHOLE_SIZE_BYTES_MAX:
                raise TransientError(Reason.CORRUPT, f"File {file.id} is too large to be read whole.")
    return bytes(body)


async def bounded(response: ClientResponse, *, size_bytes_max: int) -> bytes:
    """A body of unannounced size; raises TransientError when it is larger than it may be."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > size_bytes_max:
                raise TransientError(Reason.CORRUPT, f"The answer is larger than {size_bytes_max} bytes.")
    except TRANSPORT_ERRORS as exc:
        raise broken(exc) from exc
    finally:
        response.close()
    return bytes(body)


async def opening(response: ClientResponse) -> bytes:
    """The beginning of a body that is to be understood, not kept; empty where it breaks."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) >= OPENING_SIZE_BYTES_MAX:
                break
    except TRANSPORT_ERRORS:
        pass  # whoever reads it has the status, which says most
    finally:
        response.close()
    return bytes(body[:OPENING_SIZE_BYTES_MAX])


def refusal_of(response: ClientResponse, *, body: bytes) -> Refusal:
    """What an answer that is not the one asked for says of itself."""
    return Refusal.from_answer(
        status=response.status,
        content_type=response.headers.get("Content-Type", ""),
        body=body,
        retry_after=response.headers.get("Retry-After"),
    )


def is_page(response: ClientResponse, *, file: File) -> bool:
    """True: this is HTML or JSON, and the file is neither; it would be stored as a picture otherwise."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in {"text/html", "application/json"} and kind != file.mime_type


def _checked_size(response: ClientResponse, *, file: File, offset_bytes: int) -> int | None:
    """The size that the header announces, if it does; TransientError where the listing has another."""
    if "Content-Encoding" in response.headers:
        return None  # the header counts compressed bytes
    announced = response.content_length
    if announced is not None and file.size_bytes not in {None, announced + offset_bytes}:
        response.close()
        raise _wrong_size(file, size_bytes=announced + offset_bytes)
    return announced


def _wrong_size(file: File, *, size_bytes: int) -> TransientError:
    return TransientError(
        Reason.CORRUPT, f"File {file.id} came with {size_bytes} bytes or more, listed with {file.size_bytes}."
    )
