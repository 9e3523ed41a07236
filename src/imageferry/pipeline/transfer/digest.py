"""MD5 digests, which sources list and stores return. They are computed in threads, off the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5

from imageferry.model import Content

_threads = ThreadPoolExecutor(2, thread_name_prefix="digest")


async def md5_hex(data: Content) -> str:
    """Return the MD5 of bytes, in hex."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _md5_hex, data)


async def stream_md5_hex(chunks: AsyncIterator[Content]) -> str:
    """Return the MD5 of a stream, in hex."""
    digest = StreamDigest(part_bytes=0)
    async for chunk in chunks:
        await digest.add(chunk)
    return digest.md5


class StreamDigest:
    """The MD5 of a stream as it passes, and the ETag of a multipart upload of it in parts of `part_bytes`.

    S3's ETag for an object uploaded in parts is the MD5 of the parts' MD5s, a dash and the number of parts. With a
    `part_bytes` of 0 it is not computed.
    """

    def __init__(self, *, part_bytes: int) -> None:
        self.size_bytes = 0
        self._whole = md5(usedforsecurity=False)
        self._part_bytes = part_bytes
        self._part = md5(usedforsecurity=False)
        self._part_remaining = part_bytes
        self._part_digests: list[bytes] = []

    async def add(self, chunk: Content) -> None:
        """Add the next bytes."""
        await asyncio.get_running_loop().run_in_executor(_threads, self._add, chunk)

    @property
    def md5(self) -> str:
        """The MD5 of the whole stream, in hex."""
        return self._whole.hexdigest()

    @property
    def multipart_etag(self) -> str:
        """The ETag that S3 returns for the multipart upload."""
        is_part_open = self._part_remaining < self._part_bytes or not self._part_digests
        digests = [*self._part_digests, self._part.digest()] if is_part_open else self._part_digests
        return f"{_md5_hex(b''.join(digests))}-{len(digests)}"

    def _add(self, chunk: Content) -> None:
        self.size_bytes += len(chunk)
        self._whole.update(chunk)
        if self._part_bytes:
            for piece in self._split_at_parts(chunk):
                self._part.update(piece)
                self._part_remaining -= len(piece)
                if self._part_remaining == 0:
                    self._part_digests.append(self._part.digest())
                    self._part = md5(usedforsecurity=False)
                    self._part_remaining = self._part_bytes

    def _split_at_parts(self, chunk: Content) -> Iterator[memoryview]:
        rest = memoryview(chunk)
        while rest:
            piece, rest = rest[: self._part_remaining], rest[self._part_remaining :]
            yield piece


def _md5_hex(data: Content) -> str:
    return md5(data, usedforsecurity=False).hexdigest()
