"""Bodies of answers: whole or as a stream, checked against what was announced, never without bound."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from imageferry.errors import Reason, TransientError
from imageferry.model import Content, File
from imageferry.sources.google_drive.config import Deadlines
from imageferry.sources.google_drive.error_response import Refusal
from imageferry.sources.google_drive.response import Answer

CHUNK_SIZE_BYTES = 256 << 10
WHOLE_SIZE_BYTES_MAX = 256 << 20
OPENING_SIZE_BYTES_MAX = 64 << 10


def ahead_bytes(size_bytes: int | None) -> int:
    """How much of a body is to be read ahead: all of it where its size is known, and what would be too much."""
    return CHUNK_SIZE_BYTES if size_bytes is None else min(size_bytes, WHOLE_SIZE_BYTES_MAX) + 1


async def whole(answer: Answer, *, file: File, deadlines: Deadlines) -> Content:
    """A file's bytes; raises TransientError(CORRUPT) when there are more or fewer than announced."""
    await _check_announced(answer, file=file, offset_bytes=0)
    if file.size_bytes is None or file.size_bytes > WHOLE_SIZE_BYTES_MAX:
        return await _gathered(answer, file=file, deadlines=deadlines)
    body = await answer.read(file.size_bytes + 1)
    if len(body) != file.size_bytes:
        answer.close()
        raise _wrong_size(file, size_bytes=len(body))
    return body


async def stream(
    answer: Answer, *, file: File, offset_bytes: int, deadlines: Deadlines
) -> AsyncGenerator[Content, None]:
    """A file's bytes from an offset on, also when the answer begins at zero although it was asked not to.

    Raises TransientError(CORRUPT) as `whole` does, and TransientError(SOURCE_UNAVAILABLE) when bytes come too
    slowly; the time that whoever reads takes does not count.
    """
    skipping = offset_bytes if answer.status != HTTPStatus.PARTIAL_CONTENT else 0
    position = offset_bytes - skipping
    await _check_announced(answer, file=file, offset_bytes=position)
    waited_s = 0.0
    received_bytes = 0
    try:
        while True:
            asked_at_s = time.monotonic()
            try:
                async with asyncio.timeout(deadlines.body_s(received_bytes + CHUNK_SIZE_BYTES) - waited_s):
                    chunk = await answer.read(CHUNK_SIZE_BYTES)
            except TimeoutError as exc:
                message = f"File {file.id} came too slowly: not {CHUNK_SIZE_BYTES} bytes after {received_bytes}."
                raise TransientError(Reason.SOURCE_UNAVAILABLE, message) from exc
            if not chunk:
                break
            waited_s += time.monotonic() - asked_at_s
            received_bytes += len(chunk)
            if file.size_bytes is not None and position + received_bytes > file.size_bytes:
                raise _wrong_size(file, size_bytes=position + received_bytes)
            if skipping:
                chunk, skipping = chunk[skipping:], max(skipping - len(chunk), 0)
            if chunk:
                yield chunk
        if file.size_bytes not in {None, position + received_bytes}:
            raise _wrong_size(file, size_bytes=position + received_bytes)
    finally:
        answer.close()


async def _gathered(answer: Answer, *, file: File, deadlines: Deadlines) -> bytes:
    """A file's bytes of which nobody said beforehand how many there are."""
    body = bytearray()
    async with aclosing(stream(answer, file=file, offset_bytes=0, deadlines=deadlines)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > WHOLE_SIZE_BYTES_MAX:
                raise TransientError(Reason.CORRUPT, f"File {file.id} is too large to be read whole.")
    return bytes(body)


async def bounded(answer: Answer, *, size_bytes_max: int) -> bytes:
    """A body of unannounced size; raises TransientError when it is larger than it may be."""
    try:
        body = await answer.read(size_bytes_max + 1)
    finally:
        answer.close()
    if len(body) > size_bytes_max:
        raise TransientError(Reason.CORRUPT, f"The answer is larger than {size_bytes_max} bytes.")
    return bytes(body)


async def opening(answer: Answer) -> bytes:
    """The beginning of a body that is to be understood, not kept; empty where it breaks."""
    try:
        return bytes(await answer.read(OPENING_SIZE_BYTES_MAX))
    except TransientError:
        return b""  # whoever reads it has the status, which says most
    finally:
        answer.close()


def refusal_of(answer: Answer, *, body: bytes) -> Refusal:
    """What an answer that is not the one asked for says of itself."""
    return Refusal.from_answer(
        status=answer.status,
        content_type=answer.content_type,
        body=body,
        retry_after=answer.header("Retry-After"),
    )


def is_page(answer: Answer, *, file: File) -> bool:
    """True: this is HTML or JSON, and the file is neither; it would be stored as a picture otherwise."""
    kind = answer.content_type
    return kind in {"text/html", "application/json"} and kind != file.mime_type


async def _check_announced(answer: Answer, *, file: File, offset_bytes: int) -> None:
    """Raises TransientError(CORRUPT) where the header announces another size than the listing."""
    announced = answer.announced_bytes
    if announced is not None and file.size_bytes not in {None, announced + offset_bytes}:
        answer.close()
        raise _wrong_size(file, size_bytes=announced + offset_bytes)


def _wrong_size(file: File, *, size_bytes: int) -> TransientError:
    return TransientError(
        Reason.CORRUPT, f"File {file.id} came with {size_bytes} bytes or more, listed with {file.size_bytes}."
    )
