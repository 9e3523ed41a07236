"""MD5, off the event loop: what the source and the store tell their bytes by."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5

from imageferry.model import Content

_threads = ThreadPoolExecutor(2, thread_name_prefix="digest")


async def md5_of(data: Content) -> str:
    """The MD5 of bytes, hex."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _md5_hex, data)


async def md5_of_stream(chunks: AsyncIterator[Content]) -> str:
    """The MD5 of a stream, hex."""
    digest = StreamDigest(part_bytes=0)
    async for chunk in chunks:
        await digest.add(chunk)
    return digest.md5


class StreamDigest:
    """The MD5 of a stream as it passes, and what a store says that got it in parts of `part_bytes`.

    S3 answers for an object of parts with the MD5 of the parts' MD5s, a dash and their number.
    """

    def __init__(self, *, part_bytes: int) -> None:
        self.size_bytes = 0
        self._whole = md5(usedforsecurity=False)
        self._part_bytes = part_bytes
        self._part = md5(usedforsecurity=False)
        self._part_room = part_bytes
        self._parts: list[bytes] = []

    async def add(self, chunk: Content) -> None:
        """Take in the next bytes."""
        await asyncio.get_running_loop().run_in_executor(_threads, self._add, chunk)

    @property
    def md5(self) -> str:
        """Of the whole stream, hex."""
        return self._whole.hexdigest()

    @property
    def of_parts(self) -> str:
        """What S3's ETag is to be."""
        last = [self._part.digest()] if self._part_room < self._part_bytes or not self._parts else []
        digests = [*self._parts, *last]
        return f"{_md5_hex(b''.join(digests))}-{len(digests)}"

    def _add(self, chunk: Content) -> None:
        self.size_bytes += len(chunk)
        self._whole.update(chunk)
        if self._part_bytes:
            for piece in self._pieces(chunk):
                self._part.update(piece)
                self._part_room -= len(piece)
                if self._part_room == 0:
                    self._parts.append(self._part.digest())
                    self._part = md5(usedforsecurity=False)
                    self._part_room = self._part_bytes

    def _pieces(self, chunk: Content) -> Iterator[memoryview]:
        rest = memoryview(chunk)
        while rest:
            piece, rest = rest[: self._part_room], rest[self._part_room :]
            yield piece


def _md5_hex(data: Content) -> str:
    return md5(data, usedforsecurity=False).hexdigest()
