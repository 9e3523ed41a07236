"""The object store: wraps an obstore store, translates its errors and returns its digests."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from msgspec import Struct
from obstore import Bytes
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as ObstoreNotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from imageferry.errors import NotFoundError, NotPermittedError
from imageferry.model import Content
from imageferry.stores.access_check import check_access
from imageferry.stores.answers import Answer
from imageferry.stores.errors import translate_errors
from imageferry.stores.permissions import Permissions
from imageferry.stores.presigned_put import PresignedPuts
from imageferry.stores.staged_files import remove_staged_files
from imageferry.stores.streams import cut, recording_errors

PART_BYTES = 8 * 1024 * 1024
PARTS_CONCURRENT = 2
KEYS_PER_CALL = 1000
DELETIONS_CONCURRENT = 16
CHUNK_BYTES = 1024 * 1024
_NOT_FOUND = (ObstoreNotFoundError, FileNotFoundError)  # obstore raises either
_MD5 = re.compile(r"[0-9a-f]{32}")
# Not 401, 403, 404, 408, 409 and 429, which single deletions would meet as well.
_BULK_REFUSED = re.compile(r"status code: (501|4(?!01|03|04|08|09|29)\d\d) |invalid DeleteObjects response")


class ObjectInfo(Struct, frozen=True, kw_only=True):
    """Size and digest of an object in the store."""

    size_bytes: int
    digest: str | None  # the store's own, see `Store.put`; None: it has none that we can compare


class Store:
    """An object store behind a URL. Keys are relative to the URL.

    Methods raise BlockedError when the store takes no objects now, PermanentError when it rejects this object and
    TransientError when the call may be made again.

        digest = await store.put("folder/1_a.jpg", data, mime_type="image/jpeg")
        info = await store.head("folder/1_a.jpg")  # ObjectInfo(size_bytes=..., digest=...) or None
        async for chunk in store.read("folder/1_a.jpg"):
            ...
    """

    def __init__(
        self,
        url: str,
        inner: ObjectStore,
        *,
        folds_case: bool = False,
        can_sign_urls: bool = True,
        presigned_puts: PresignedPuts | None = None,
        bulk_deleter: ObjectStore | None = None,
        writer: ObjectStore | None = None,
        storage_class: str | None = None,
        etag_is_md5: bool = True,
        credentials: Callable[[], str] = lambda: "",
    ) -> None:
        self.url = url  # without secrets
        self.folds_case = folds_case
        self._etag_is_md5 = etag_is_md5 and isinstance(inner, S3Store)
        self._can_read_back = True
        self._inner = inner
        self._writer = writer or inner  # the same store; sends the headers that only a write may have
        self._attributes = {} if storage_class is None else {"Storage-Class": storage_class}
        self._can_sign_urls = can_sign_urls
        self._presigned_puts = presigned_puts
        self._bulk_deleter = bulk_deleter  # the same store; deletes many objects by one call. None: it can't
        self._credentials = credentials
        self._supports_attributes = not isinstance(inner, LocalStore)

    @property
    def credentials(self) -> str:
        """Which credentials are used, for people; exact after the first request. Empty: none."""
        return self._credentials()

    @property
    def etag_is_md5(self) -> bool:
        """True if `put` returns the MD5 of the stored bytes.

        S3's ETag is that, unless the bucket encrypts with a KMS or customer-provided key.
        """
        return self._etag_is_md5

    @property
    def can_read_back(self) -> bool:
        """True unless an object that was just written could not be read."""
        return self._can_read_back

    def stop_reading_back(self) -> None:
        """Verify no more objects by reading them: the credentials do not permit it, or objects are archived."""
        self._can_read_back = False

    def distrust_etag_md5(self) -> None:
        """Stop taking ETags for MD5s, because the ETag of a correct object was not its MD5."""
        self._etag_is_md5 = False

    async def put(self, key: str, data: Content, *, mime_type: str, md5: str | None = None) -> str | None:
        """Write an object atomically and return the store's digest of it.

        `md5`, if known, is what the bytes should have: S3 stores nothing where it differs, and that is returned.
        On S3 that is the lower-case ETag: an MD5, or for an object put in parts the MD5 of the parts' MD5s, a dash
        and their number. None on other stores.
        """
        refusal = None
        if self._presigned_puts is not None:
            with translate_errors(self.url, key=key):
                answer = await self._presigned_puts.put(
                    key, data, mime_type=mime_type, md5_hex=md5 if is_md5(md5) else None
                )
            if isinstance(answer, str):
                return self._digest(answer)
            refusal = answer
        with translate_errors(self.url, key=key, refusal=refusal):
            result = await obstore.put_async(
                self._writer, key, data, use_multipart=False, attributes=self._with_type(mime_type)
            )
        if self._presigned_puts is not None and refusal is not None and refusal.is_final:
            self._presigned_puts.give_up()
        return self._digest(result["e_tag"])

    async def put_stream(self, key: str, chunks: AsyncIterator[Content], *, mime_type: str) -> str | None:
        """Write an object in parts of PART_BYTES and return the store's digest of it, as `put` does.

        The object appears when the chunks have ended. When they raise, the upload is aborted, no object appears,
        and the error propagates, also where the store does not permit the upload to be aborted. Do not cancel this
        call: the parts would be left behind.
        """
        errors: list[Exception] = []
        with translate_errors(self.url, key=key):
            try:
                result = await obstore.put_async(
                    self._writer,
                    key,
                    recording_errors(chunks, errors),
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_CONCURRENT,
                    attributes=self._with_type(mime_type),
                )
            except BaseError as exc:
                if errors:
                    raise errors[0] from exc
                raise
        return self._digest(result["e_tag"])

    async def head(self, key: str) -> ObjectInfo | None:
        """Return an object's size and digest, or None when there is no object."""
        with translate_errors(self.url, key=key):
            try:
                meta = await obstore.head_async(self._inner, key)
            except _NOT_FOUND:
                return None
            except BaseError as exc:
                if Answer.of_exception(exc).is_final:
                    # The answer to a HEAD has no body: only that to a GET says what is wrong.
                    await obstore.get_async(self._inner, key)
                raise
        return ObjectInfo(size_bytes=meta["size"], digest=self._digest(meta["e_tag"]))

    async def find(self, key: str) -> ObjectInfo | None:
        """Return an object's size and digest, or None when it is not known to exist: it is missing, or unreadable."""
        try:
            return await self.head(key)
        except (NotFoundError, NotPermittedError):
            return None

    async def read(
        self, key: str, *, span: range | None = None, chunk_bytes: int = CHUNK_BYTES
    ) -> AsyncGenerator[bytes, None]:
        """Yield an object's bytes in chunks of at least `chunk_bytes`.

        `span` selects a part of the object and must lie within it.
        """
        with translate_errors(self.url, key=key):
            async for chunk in await self._chunks(key, span=span, chunk_bytes=chunk_bytes):
                yield bytes(chunk)

    async def _chunks(self, key: str, *, span: range | None, chunk_bytes: int) -> AsyncIterator[Bytes | bytes]:
        if span is not None:
            try:
                result = await obstore.get_async(self._inner, key, options={"range": (span.start, span.stop)})
                return result.stream(min_chunk_size=chunk_bytes)
            except BaseError as exc:
                # Not every S3-compatible server supports ranges.
                if "non-partial response" not in str(exc):
                    raise
        result = await obstore.get_async(self._inner, key)
        chunks = result.stream(min_chunk_size=chunk_bytes)
        return chunks if span is None else cut(chunks, span)

    async def signed_url(self, key: str, *, valid_s: float) -> str | None:
        """Return a URL (a secret) that lets anyone read the object for `valid_s`; None: the store cannot sign one."""
        if not (self._can_sign_urls and isinstance(self._inner, (S3Store, AzureStore, GCSStore))):
            return None
        with translate_errors(self.url, key=key):
            url: str = await obstore.sign_async(self._inner, "GET", key, timedelta(seconds=valid_s))
        # For Azure, obstore signs the percent-encoded path and Azure checks the decoded one: they agree only on
        # paths without escapes.
        return None if isinstance(self._inner, AzureStore) and "%" in urlsplit(url).path else url

    async def read_head(self, key: str, *, size_bytes: int) -> bytes:
        """Return an object's first `size_bytes` bytes."""
        head = b""
        # A stream that is closed early, not a range: not every server supports ranges.
        async with aclosing(self.read(key)) as chunks:
            async for chunk in chunks:
                head += chunk
                if len(head) >= size_bytes:
                    break
        return head[:size_bytes]

    async def delete(self, key: str) -> None:
        """Delete an object. Idempotent."""
        with translate_errors(self.url, key=key):
            try:
                await obstore.delete_async(self._inner, key)
            except _NOT_FOUND:
                return

    async def delete_all(self, keys: Sequence[str]) -> None:
        """Delete objects, by bulk calls where the store has them. After an error any of them may remain.

        Missing objects are ignored. A store that refuses a bulk call gets single ones from then on.
        """
        for start in range(0, len(keys), KEYS_PER_CALL):
            await self._delete_up_to_1000(keys[start : start + KEYS_PER_CALL])

    async def _delete_up_to_1000(self, keys: Sequence[str]) -> None:
        if self._bulk_deleter is not None:
            with translate_errors(self.url):
                try:
                    await obstore.delete_async(self._bulk_deleter, keys)
                except BaseError as exc:
                    if not _BULK_REFUSED.search(str(exc)):
                        raise
                else:
                    return
        for start in range(0, len(keys), DELETIONS_CONCURRENT):
            deletions = map(self.delete, keys[start : start + DELETIONS_CONCURRENT])
            for error in filter(None, await asyncio.gather(*deletions, return_exceptions=True)):
                raise error  # none of the others is in progress any more
        self._bulk_deleter = None  # single deletions work where the bulk one was refused

    async def check(self, *, uploads: bool = False) -> Permissions:
        """Raise what keeps the store from taking objects; return what else it does not permit. Leaves no object.

        With `uploads`, also whether an upload in parts can be aborted.
        """
        return await check_access(self, self._inner, writer=self._writer, uploads=uploads)

    async def remove_staged_files(self, key: str) -> None:
        """Delete partial files that a killed process may have left for a key. Does nothing on remote stores."""
        if isinstance(self._inner, LocalStore) and self._inner.prefix is not None:
            await asyncio.to_thread(remove_staged_files, Path(self._inner.prefix) / key)

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        if self._presigned_puts is not None:
            await self._presigned_puts.close()

    def _with_type(self, mime_type: str) -> dict[str, str] | None:
        return {"Content-Type": mime_type, **self._attributes} if self._supports_attributes else None

    def _digest(self, e_tag: str | None) -> str | None:
        if e_tag is None or not isinstance(self._inner, S3Store):
            return None
        return e_tag.strip('"').lower()


def is_md5(digest: str | None) -> bool:
    """Return True when a digest is an MD5 of the whole object, not of parts."""
    return digest is not None and _MD5.fullmatch(digest) is not None
