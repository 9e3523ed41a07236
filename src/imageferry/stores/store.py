"""One object store, as the flow uses it: an obstore store, its errors told as ours, its digests as MD5."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from imageferry.stores.errors import translated

PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
# One key for every check: what a killed process leaves there, the next check removes.
CHECK_KEY = ".imageferry-check"
_NOT_FOUND = (NotFoundError, FileNotFoundError)  # obstore raises either
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An object that stands in the store."""

    size_bytes: int
    digest: str | None  # the store's own; None: it has none that we can compare


class Store:
    """An object store behind a URL; keys are relative to it.

    Errors are BlockedError when the store takes nothing now, PermanentError when it does not take this object,
    TransientError when it may take it the next time.
    """

    def __init__(self, url: str, inner: ObjectStore, *, folds_case: bool = False) -> None:
        self.url = url  # without secrets
        self.folds_case = folds_case
        # True: a single put answers with the MD5 of what is held. S3's ETag is that, unless the bucket
        # encrypts with a key of KMS or a customer's; whoever finds out sets this to False.
        self.answers_md5 = isinstance(inner, S3Store)
        self._inner = inner
        self._takes_attributes = not isinstance(inner, LocalStore)

    async def put(self, key: str, data: bytes, *, mime_type: str) -> str | None:
        """Write an object whole, or not at all; the store's own digest of it."""
        with translated(self.url, key=key):
            result = await obstore.put_async(
                self._inner, key, data, use_multipart=False, attributes=self._attributes(mime_type)
            )
        return self._digest(result["e_tag"])

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, mime_type: str) -> str | None:
        """Write an object in parts of `PART_BYTES`; the store's own digest of it.

        The object appears when the chunks have ended. When they raise, the parts are aborted, nothing
        appears, and the error goes on. Not to be cancelled: that would leave the parts behind.
        """
        with translated(self.url, key=key):
            result = await obstore.put_async(
                self._inner,
                key,
                chunks,
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
                attributes=self._attributes(mime_type),
            )
        return self._digest(result["e_tag"])

    async def head(self, key: str) -> Standing | None:
        """What stands under a key; None: nothing."""
        with translated(self.url, key=key):
            try:
                meta = await obstore.head_async(self._inner, key)
            except _NOT_FOUND:
                return None
        return Standing(size_bytes=meta["size"], digest=self._digest(meta["e_tag"]))

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """An object's bytes, in chunks."""
        with translated(self.url, key=key):
            result = await obstore.get_async(self._inner, key)
            async for chunk in result.stream(min_chunk_size=1024 * 1024):
                yield bytes(chunk)

    async def read_head(self, key: str, *, size_bytes: int) -> bytes:
        """An object's first bytes."""
        head = b""
        # By a stream that is left off, and no range: not every server knows those.
        async with aclosing(self.read(key)) as chunks:
            async for chunk in chunks:
                head += chunk
                if len(head) >= size_bytes:
                    break
        return head[:size_bytes]

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with translated(self.url, key=key):
            try:
                await obstore.delete_async(self._inner, key)
            except _NOT_FOUND:
                return

    async def check(self) -> None:
        """Write an object and remove it, to find out now whether the store takes objects at all."""
        await self.put(CHECK_KEY, b"imageferry", mime_type="text/plain")
        await self.delete(CHECK_KEY)

    async def tidy(self, key: str) -> None:
        """Remove what a killed process may have left beside a key; only a folder of this machine keeps such things."""
        if isinstance(self._inner, LocalStore) and self._inner.prefix is not None:
            await asyncio.to_thread(_remove_staged, Path(self._inner.prefix) / key)

    def _attributes(self, mime_type: str) -> dict[str, str] | None:
        return {"Content-Type": mime_type} if self._takes_attributes else None

    def _digest(self, e_tag: str | None) -> str | None:
        """An MD5, or for an object put in parts the MD5 of the parts' MD5s, a dash and their number."""
        if e_tag is None or not isinstance(self._inner, S3Store):
            return None
        return e_tag.strip('"').lower()


def is_md5(digest: str | None) -> bool:
    """True: the digest is of the whole object, and not of parts."""
    return digest is not None and _MD5.fullmatch(digest) is not None


def _remove_staged(path: Path) -> None:
    # obstore writes a local object to `<name>#<number>` and renames it when it is whole.
    if path.parent.is_dir():
        for staged in path.parent.iterdir():
            name, _, number = staged.name.rpartition("#")
            if name == path.name and number.isdigit():
                staged.unlink(missing_ok=True)
