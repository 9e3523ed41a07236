"""One object store, as the flow uses it: an obstore store, its errors told as ours, its digests as MD5."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from msgspec import Struct
from obstore import Bytes
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from imageferry.model import Content
from imageferry.stores.errors import translated
from imageferry.stores.presigned_put import SignedPuts

PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 2
KEYS_A_CALL = 1000
DELETIONS_AT_ONCE = 16
CHUNK_BYTES = 1024 * 1024
# One key for every check: what a killed process leaves there, the next check removes.
CHECK_KEY = ".imageferry-check"
_NOT_FOUND = (NotFoundError, FileNotFoundError)  # obstore raises either
_MD5 = re.compile(r"[0-9a-f]{32}")


class Standing(Struct, frozen=True, kw_only=True):
    """An object that stands in the store."""

    size_bytes: int
    digest: str | None  # the store's own; None: it has none that we can compare


class Store:
    """An object store behind a URL; keys are relative to it.

    Errors are BlockedError when the store takes nothing now, PermanentError when it does not take this object,
    TransientError when it may take it the next time.
    """

    def __init__(
        self,
        url: str,
        inner: ObjectStore,
        *,
        folds_case: bool = False,
        signs: bool = True,
        signed_puts: SignedPuts | None = None,
    ) -> None:
        self.url = url  # without secrets
        self.folds_case = folds_case
        # True: a single put answers with the MD5 of what is held. S3's ETag is that, unless the bucket
        # encrypts with a key of KMS or a customer's; whoever finds out sets this to False.
        self.answers_md5 = isinstance(inner, S3Store)
        self._inner = inner
        self._signs = signs
        self._signed_puts = signed_puts
        self._takes_attributes = not isinstance(inner, LocalStore)

    async def put(self, key: str, data: Content, *, mime_type: str) -> str | None:
        """Write an object whole, or not at all; the store's own digest of it."""
        with translated(self.url, key=key):
            if self._signed_puts and (e_tag := await self._signed_puts.put(key, data, mime_type=mime_type)):
                return self._digest(e_tag)
            result = await obstore.put_async(
                self._inner, key, data, use_multipart=False, attributes=self._attributes(mime_type)
            )
        return self._digest(result["e_tag"])

    async def put_stream(self, key: str, chunks: AsyncIterator[Content], *, mime_type: str) -> str | None:
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

    async def read(
        self, key: str, *, span: range | None = None, chunk_bytes: int = CHUNK_BYTES
    ) -> AsyncGenerator[bytes, None]:
        """An object's bytes, in chunks of at least this size; `span`: these alone, which must be some that it has."""
        with translated(self.url, key=key):
            async for chunk in await self._chunks(key, span=span, chunk_bytes=chunk_bytes):
                yield bytes(chunk)

    async def _chunks(self, key: str, *, span: range | None, chunk_bytes: int) -> AsyncIterator[Bytes | bytes]:
        if span is not None:
            try:
                result = await obstore.get_async(self._inner, key, options={"range": (span.start, span.stop)})
                return result.stream(min_chunk_size=chunk_bytes)
            except BaseError as exc:
                # Not every server that speaks S3 knows ranges.
                if "non-partial response" not in str(exc):
                    raise
        result = await obstore.get_async(self._inner, key)
        chunks = result.stream(min_chunk_size=chunk_bytes)
        return chunks if span is None else _cut(chunks, span)

    async def signed_url(self, key: str, *, lasts_s: float) -> str | None:
        """A URL by which anybody may read the object for so long; a secret. None: the store signs none for it."""
        if not (self._signs and isinstance(self._inner, (S3Store, AzureStore, GCSStore))):
            return None
        with translated(self.url, key=key):
            url: str = await obstore.sign_async(self._inner, "GET", key, timedelta(seconds=lasts_s))
        # obstore signs an Azure path as it is written in a URL, Azure checks it as it is read: they agree on plain
        # ones alone.
        return None if isinstance(self._inner, AzureStore) and "%" in urlsplit(url).path else url

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

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Remove objects, as many as there are of them, some at once; an error may leave any of them."""
        if isinstance(self._inner, S3Store):
            for start in range(0, len(keys), KEYS_A_CALL):
                with translated(self.url):
                    # One call for all: S3 does not mind those that are not there.
                    await obstore.delete_async(self._inner, keys[start : start + KEYS_A_CALL])
            return
        for start in range(0, len(keys), DELETIONS_AT_ONCE):
            await asyncio.gather(*map(self.delete, keys[start : start + DELETIONS_AT_ONCE]))

    async def check(self) -> None:
        """Write an object and remove it, to find out now whether the store takes objects at all."""
        await self.put(CHECK_KEY, b"imageferry", mime_type="text/plain")
        await self.delete(CHECK_KEY)

    async def tidy(self, key: str) -> None:
        """Remove what a killed process may have left beside a key; only a folder of this machine keeps such things."""
        if isinstance(self._inner, LocalStore) and self._inner.prefix is not None:
            await asyncio.to_thread(_remove_staged, Path(self._inner.prefix) / key)

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        if self._signed_puts is not None:
            await self._signed_puts.close()

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


async def _cut(chunks: AsyncIterator[Bytes | bytes], span: range) -> AsyncIterator[Bytes | bytes]:
    """Those bytes of the chunks that are in the span."""
    at = 0
    async for chunk in chunks:
        yield bytes(chunk)[max(0, span.start - at) : max(0, span.stop - at)]
        at += len(chunk)
        if at >= span.stop:
            break


def _remove_staged(path: Path) -> None:
    # obstore writes a local object to `<name>#<number>` and renames it when it is whole.
    if path.parent.is_dir():
        for staged in path.parent.iterdir():
            name, _, number = staged.name.rpartition("#")
            if name == path.name and number.isdigit():
                staged.unlink(missing_ok=True)
