"""Transfer one file: download, verify, upload."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from msgspec import Struct
from msgspec.structs import replace

from imageferry.errors import (
    BlockedError,
    DeferredError,
    NotFoundError,
    NotPermittedError,
    PermanentError,
    Reason,
    TransientError,
    UnreachableError,
)
from imageferry.log import log
from imageferry.model import Content, File, Folder, ItemState, Outcome, TransferItem
from imageferry.pipeline.image_types import SNIFF_BYTES, sniff
from imageferry.pipeline.stop_signal import StopSignal
from imageferry.pipeline.transfer.digest import StreamDigest, md5_hex, stream_md5_hex
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.sources.base import Source
from imageferry.stores.store import PART_BYTES, PARTS_CONCURRENT, Store, is_md5

# Files up to this size are held in memory whole. Larger ones, and those of unknown size that turn out larger, are
# streamed.
WHOLE_BYTES_MAX = 8 * 1024 * 1024
STREAM_MEMORY_BYTES = PART_BYTES * (PARTS_CONCURRENT + 2)
CORRUPT_TRIES_MAX = 3
TAIL_BYTES = 64 * 1024  # of a stream: kept to see whether a JPEG is complete


async def transfer_file(
    item: TransferItem,
    *,
    source: Source,
    store: Store,
    limits: TransferLimits,
    stop_signal: StopSignal,
    redelivered: bool = False,
) -> Outcome:
    """Transfer one file into the store and return its outcome, which may be a failure of this file.

    A `redelivered` file whose object is in the store already, verified, is not transferred again. Raises BlockedError
    if no other file could be transferred either, StoppedError if a stop is requested.
    """
    try:
        if redelivered and (found := await find_verified_object(item, store=store)):
            return found
        return await _FileTransfer(item, source=source, store=store, limits=limits, stop_signal=stop_signal).run()
    except UnreachableError as exc:
        raise BlockedError(exc.reason, exc.message) from exc
    except (TransientError, DeferredError) as exc:
        return _error_outcome(item, ItemState.PENDING, exc)
    except PermanentError as exc:
        return _error_outcome(item, ItemState.FAILED, exc)


class _Stored(Struct, frozen=True, kw_only=True):
    """What one try stored."""

    size_bytes: int
    md5: str
    mime_type: str


class _CorruptError(TransientError):
    """Size or digest did not match."""

    def __init__(self, message: str, *, jpeg_md5: str | None = None) -> None:
        super().__init__(Reason.CORRUPT, message)
        self.jpeg_md5 = jpeg_md5  # of a download that has the listed size and is a complete JPEG


class _NotAnImageError(Exception):
    """The content is not an image's."""


class _FileTransfer:
    """The tries to transfer one file, and what they found out about it."""

    def __init__(
        self, item: TransferItem, *, source: Source, store: Store, limits: TransferLimits, stop_signal: StopSignal
    ) -> None:
        self._item = item
        self._source = source
        self._store = store
        self._memory = limits.memory
        self._stop_signal = stop_signal
        self._listed = File(
            id=item.file_id,
            name=item.name,
            mime_type=item.mime_type,
            size_bytes=item.size_bytes,
            md5=item.md5,
            resource_key=item.resource_key,
        )
        self._verify_before_upload = False
        self._jpeg_md5s: set[str] = set()
        self._accepted_md5: str | None = None  # downloaded twice: the source's own digest is wrong

    async def run(self) -> Outcome:
        for tries_left in range(CORRUPT_TRIES_MAX - 1, -1, -1):
            try:
                stored = await self._try()
            except _NotAnImageError:
                return Outcome(
                    item_id=self._item.item_id,
                    state=ItemState.SKIPPED,
                    reason=Reason.NOT_AN_IMAGE,
                    detail="Its name or type is that of an image, but its content is not.",
                )
            except TransientError as exc:
                if exc.reason is not Reason.CORRUPT:
                    raise
                if not tries_left:
                    return _error_outcome(self._item, ItemState.FAILED, exc)
                log.info("file.corrupt", file_id=self._item.file_id, detail=exc.message)
                await self._refresh_metadata(exc)
            else:
                return self._stored_outcome(stored)
        raise AssertionError("unreachable: the last try returns")

    def _stored_outcome(self, stored: _Stored) -> Outcome:
        digest_mismatch = self._accepted_md5 is not None
        detail = None
        if digest_mismatch:
            detail = f"The source lists the checksum {self._listed.md5}, but every download has {self._accepted_md5}."
        return Outcome(
            item_id=self._item.item_id,
            state=ItemState.STORED,
            size_bytes=stored.size_bytes,
            md5=stored.md5,
            version=self._listed.version,
            mime_type=stored.mime_type,
            digest_mismatch=digest_mismatch,
            detail=detail,
        )

    async def _refresh_metadata(self, corrupt: TransientError) -> None:
        """Look the file up again: it may have changed since it was listed, or be gone."""
        current = await self._source.stat(self._item.file_id, resource_key=self._item.resource_key)
        self._verify_before_upload = True
        if isinstance(current, Folder):
            return
        changed = (current.md5, current.size_bytes) != (self._listed.md5, self._listed.size_bytes)
        if changed and current.version is not None:
            self._listed = replace(
                self._listed, size_bytes=current.size_bytes, md5=current.md5, version=current.version
            )
        elif isinstance(corrupt, _CorruptError) and corrupt.jpeg_md5 is not None:
            # A few JPEGs that came to Drive from Google Photos never match their md5Checksum.
            if corrupt.jpeg_md5 in self._jpeg_md5s:
                self._accepted_md5 = corrupt.jpeg_md5
            self._jpeg_md5s.add(corrupt.jpeg_md5)

    async def _try(self) -> _Stored:
        size_bytes = self._listed.size_bytes
        if size_bytes is not None and size_bytes <= WHOLE_BYTES_MAX:
            async with self._memory.reserve(size_bytes, stop_signal=self._stop_signal):
                with self._stop_signal.abortable_download():
                    data = await self._source.read(self._listed)
                return await self._put_whole(data)
        async with (
            self._memory.reserve(STREAM_MEMORY_BYTES, stop_signal=self._stop_signal),
            aclosing(self._source.stream(self._listed)) as chunks,
        ):
            head = await self._read_head(chunks, size_bytes=WHOLE_BYTES_MAX)
            if size_bytes is None and len(head) < WHOLE_BYTES_MAX:
                return await self._put_whole(head)
            return await self._put_stream(head, chunks)

    async def _read_head(self, chunks: AsyncIterator[Content], *, size_bytes: int) -> bytes:
        """Read at least this many bytes, or all there are."""
        head = bytearray()
        while len(head) < size_bytes and (chunk := await self._stop_signal.next_chunk(chunks)) is not None:
            head += chunk
        return bytes(head)

    async def _put_whole(self, data: Content) -> _Stored:
        self._verify_size(len(data))
        if not data:
            raise PermanentError(Reason.EMPTY, Reason.EMPTY.sentence)
        mime_type = self._sniff(data)
        # The store's digest makes ours unnecessary, unless a corrupt object would replace a good one in the meantime.
        trust_store = self._store.etag_is_md5 and not self._item.overwrites and not self._verify_before_upload
        md5 = self._listed.md5 if trust_store else None
        if md5 is None:
            md5 = await md5_hex(data)
            self._verify_md5(md5, is_jpeg=_is_complete_jpeg(data, data))
        store_digest = await self._store.put(self._item.object_key, data, mime_type=mime_type, md5=md5)
        if store_digest != md5 and (store_digest is not None or trust_store):
            md5 = await md5_hex(data)
            await self._diagnose_digest(md5, is_jpeg=_is_complete_jpeg(data, data))
        return _Stored(size_bytes=len(data), md5=md5, mime_type=mime_type)

    async def _put_stream(self, head: bytes, chunks: AsyncIterator[Content]) -> _Stored:
        mime_type = self._sniff(head)
        digest = StreamDigest(part_bytes=PART_BYTES if self._store.etag_is_md5 else 0)

        async def verified() -> AsyncGenerator[Content, None]:
            # An error raised here, before the last part is uploaded, leaves nothing in the store.
            tail = head[-TAIL_BYTES:]
            await digest.add(head)
            yield head
            while (chunk := await self._stop_signal.next_chunk(chunks)) is not None:
                tail = (tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]  # the last chunk may be a single byte
                await digest.add(chunk)
                yield chunk
            self._verify_size(digest.size_bytes)
            self._verify_md5(digest.md5, is_jpeg=_is_complete_jpeg(head, tail))

        store_digest = await self._store.put_stream(self._item.object_key, verified(), mime_type=mime_type)
        if store_digest is not None and store_digest not in (digest.multipart_etag, digest.md5):
            await self._diagnose_digest(digest.md5)
        return _Stored(size_bytes=digest.size_bytes, md5=digest.md5, mime_type=mime_type)

    def _verify_size(self, size_bytes: int) -> None:
        if self._listed.size_bytes not in (None, size_bytes):
            raise _CorruptError(f"The download has {size_bytes} bytes, the source lists {self._listed.size_bytes}.")

    def _verify_md5(self, md5: str, *, is_jpeg: bool = False) -> None:
        if self._listed.md5 is not None and md5 not in (self._listed.md5, self._accepted_md5):
            message = f"The download has the checksum {md5}, the source lists {self._listed.md5}."
            raise _CorruptError(message, jpeg_md5=md5 if is_jpeg else None)

    async def _diagnose_digest(self, md5: str, *, is_jpeg: bool = False) -> None:
        """Find out why the store's digest is unexpected: a corrupt download or object, or an ETag that isn't an MD5.

        A corrupt object is deleted, if the store permits that, and the error raised.
        """
        try:
            self._verify_md5(md5, is_jpeg=is_jpeg)
            await self._verify_object(md5)
        except _CorruptError:
            try:
                await self._store.delete(self._item.object_key)
            except NotPermittedError as exc:
                log.warning("file.corrupt_object_left", object_key=self._item.object_key, detail=exc.message)
            raise
        # The object is correct, so the bucket encrypts with a key of KMS or the customer's. From now on uploads are
        # hashed first, and objects are read back to verify them.
        self._store.distrust_etag_md5()

    async def _verify_object(self, md5: str) -> None:
        """Compare the object with the uploaded bytes, if the store lets it be read."""
        if not self._store.can_read_back:
            return
        try:
            object_md5 = await stream_md5_hex(self._store.read(self._item.object_key))
        except NotFoundError as exc:
            raise _CorruptError(exc.message) from exc
        except (NotPermittedError, PermanentError) as exc:
            log.warning("store.unverified", detail=f"Objects are not verified by reading them back. {exc.message}")
            self._store.stop_reading_back()
            return
        if object_md5 != md5:
            raise _CorruptError(f"The stored object has the checksum {object_md5}, the uploaded bytes have {md5}.")

    def _sniff(self, data: Content) -> str:
        mime_type = sniff(bytes(data[:SNIFF_BYTES]), name=self._item.name, mime_type=self._item.mime_type)
        if mime_type is None:
            raise _NotAnImageError
        return mime_type


async def find_verified_object(item: TransferItem, *, store: Store) -> Outcome | None:
    """Return the outcome of a file whose object an earlier try stored without recording it; None if there is none.

    The object must have the listed size and digest. One that may not be read counts as missing. Removes what an
    interrupted upload staged.
    """
    await store.remove_staged_files(item.object_key)
    if item.md5 is None or item.size_bytes is None:
        return None
    info = await store.find(item.object_key)
    if info is None or info.size_bytes != item.size_bytes:
        return None
    digest = info.digest
    try:
        if not (store.etag_is_md5 and is_md5(digest)):
            digest = await stream_md5_hex(store.read(item.object_key))
        if digest != item.md5:
            return None
        head = await store.read_head(item.object_key, size_bytes=min(SNIFF_BYTES, info.size_bytes))
    except (NotPermittedError, PermanentError):  # it may not be read, is archived, or is gone by now
        return None
    return Outcome(
        item_id=item.item_id,
        state=ItemState.STORED,
        size_bytes=info.size_bytes,
        md5=digest,
        mime_type=sniff(head, name=item.name, mime_type=item.mime_type),
        transferred=False,
    )


def _is_complete_jpeg(first: Content, last: Content) -> bool:
    return bytes(first[:3]) == b"\xff\xd8\xff" and bytes(last[-TAIL_BYTES:]).rstrip(b"\0").endswith(b"\xff\xd9")


def _error_outcome(
    item: TransferItem, state: ItemState, error: TransientError | DeferredError | PermanentError
) -> Outcome:
    return Outcome(item_id=item.item_id, state=state, reason=error.reason, detail=error.message)
