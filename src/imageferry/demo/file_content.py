"""What the bytes of a served file are: held in memory, read from a disk, or made up as they are sent."""

import hashlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Literal, Protocol

from imageferry.demo.metadata import picture_metadata
from imageferry.demo.pictures.scenes import specimen_jpeg

if TYPE_CHECKING:
    from hashlib import _Hash

Algorithm = Literal["md5", "sha1", "sha256"]

_BLOCK_BYTES = 1 << 20
_MARK_BYTES = 16


class Content(Protocol):
    """The bytes of one version of a file."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        ...

    @property
    def picture(self) -> Mapping[str, object] | None:
        """What they tell of the picture that they hold, as Drive's imageMediaMetadata; None: no picture."""
        ...

    def digest(self, algorithm: Algorithm) -> str:
        """Their digest in hex; remembered."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`."""
        ...


class InMemory:
    """Bytes as they were given."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._digests: dict[Algorithm, str] = {}

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self._data)

    @cached_property
    def picture(self) -> Mapping[str, object] | None:
        """Read from their head, once."""
        return picture_metadata(self._data)

    def digest(self, algorithm: Algorithm) -> str:
        """Computed once."""
        if algorithm not in self._digests:
            self._digests[algorithm] = hashlib.new(algorithm, self._data, usedforsecurity=False).hexdigest()
        return self._digests[algorithm]

    def read(self, start: int, stop: int) -> bytes:
        """The whole is not copied."""
        return self._data[start:stop]


class OnDisk:
    """A file of this machine, read when it is asked for; it must not change meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size_bytes = path.stat().st_size
        self._digests: dict[Algorithm, str] = {}

    @cached_property
    def picture(self) -> Mapping[str, object] | None:
        """Read from the file's head, once."""
        return picture_metadata(self._path)

    def digest(self, algorithm: Algorithm) -> str:
        """Computed once; reads the whole file, so never call it first on an event loop."""
        if algorithm not in self._digests:
            with self._path.open("rb") as file:
                self._digests[algorithm] = hashlib.file_digest(file, algorithm).hexdigest()
        return self._digests[algorithm]

    def read(self, start: int, stop: int) -> bytes:
        """Short only where the file was cut since."""
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


class Synthetic:
    """Bytes made up as they are read: a small JPEG, then noise, then a mark of the file's own.

    Files of one size share everything but the mark, so that neither a million files nor one of a
    gigabyte is ever held, and a digest is a short step from one that all of them share.
    """

    def __init__(self, *, size_bytes: int, mark: str) -> None:
        self.size_bytes = size_bytes
        # A file too small for a mark is all mark.
        self._mark = hashlib.blake2b(mark.encode(), digest_size=_MARK_BYTES).digest()[:size_bytes]
        self._shared_bytes = size_bytes - len(self._mark)

    @property
    def picture(self) -> Mapping[str, object] | None:
        """That of the small JPEG."""
        return _specimen_metadata() if self._shared_bytes >= len(specimen()) else None

    def digest(self, algorithm: Algorithm) -> str:
        """Takes as long as it takes to hash `size_bytes` once, and no time for later files of that size."""
        hasher = _shared_hash(algorithm, self._shared_bytes).copy()
        hasher.update(self._mark)
        return hasher.hexdigest()

    def read(self, start: int, stop: int) -> bytes:
        """Made up anew."""
        stop = min(stop, self.size_bytes)
        shared = _shared_bytes(start, min(stop, self._shared_bytes))
        if stop <= self._shared_bytes:
            return shared
        return shared + self._mark[max(0, start - self._shared_bytes) : stop - self._shared_bytes]


@lru_cache(maxsize=1)
def specimen() -> bytes:
    """The small JPEG that every synthetic file begins with."""
    return specimen_jpeg()


@lru_cache(maxsize=1)
def _specimen_metadata() -> Mapping[str, object] | None:
    return picture_metadata(specimen())


@lru_cache(maxsize=1)
def _block() -> bytes:
    """Noise, which does not compress."""
    return specimen() + Random(1).randbytes(_BLOCK_BYTES - len(specimen()))


def _shared_bytes(start: int, stop: int) -> bytes:
    """From an endless repetition of the block."""
    if start >= stop:
        return b""
    block = _block()
    offset = start % _BLOCK_BYTES
    needed = offset + stop - start
    if needed <= _BLOCK_BYTES:
        return block[offset:needed]
    return (block * -(-needed // _BLOCK_BYTES))[offset:needed]


@lru_cache(maxsize=256)
def _shared_hash(algorithm: Algorithm, size_bytes: int) -> "_Hash":
    """The state of a hash that has seen the first bytes of every file of one size."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    for start in range(0, size_bytes, _BLOCK_BYTES):
        hasher.update(_shared_bytes(start, min(start + _BLOCK_BYTES, size_bytes)))
    return hasher
