"""One file's way: download, verify, upload."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from msgspec import Struct
from msgspec.structs import replace

from imageferry.errors import (
    BlockedError,
    DeferredError,
    PermanentError,
    Reason,
    TransientError,
    UnreachableError,
)
from imageferry.log import log
from imageferry.model import Content, File, Folder, ItemState, Outcome, TransferItem
from imageferry.pipeline.image_types import HEAD_BYTES, sniff
from imageferry.pipeline.stop_signal import Halt
from imageferry.pipeline.transfer.digest import StreamDigest, md5_of, md5_of_stream
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.sources.base import Source
from imageferry.stores.store import PART_BYTES, PARTS_AT_ONCE, Store, is_md5

# Files up to this size are held whole; larger ones, and those of unknown size that turn out larger, pass in parts.
WHOLE_BYTES_MAX = 8 * 1024 * 1024
STREAM_BYTES_HELD = PART_BYTES * (PARTS_AT_ONCE + 2)
CORRUPT_TRIES_MAX = 3
TAIL_BYTES = 64 * 1024  # of a stream: what shows that a JPEG is there to its end


async def carry(
    parcel: TransferItem, *, source: Source, store: Store, bounds: Bounds, halt: Halt, repeated: bool = False
) -> Outcome:
    """Bring one file into the store; every end that the file alone can have is an outcome.

    Raises BlockedError when no other file could be brought either, StoppedError when asked to stop.
    """
    try:
        if repeated and (found := await standing(parcel, store=store)):
            return found
        return await _Carriage(parcel, source=source, store=store, bounds=bounds, halt=halt).bring()
    except UnreachableError as exc:
        raise BlockedError(exc.reason, exc.message) from exc
    except (TransientError, DeferredError) as exc:
        return _outcome(parcel, ItemState.PENDING, exc)
    except PermanentError as exc:
        return _outcome(parcel, ItemState.FAILED, exc)


class _Arrival(Struct, frozen=True, kw_only=True):
    """What came over the wire in one try."""

    size_bytes: int
    md5: str
    mime_type: str


class _CorruptError(TransientError):
    """Size or digest did not match."""

    def __init__(self, message: str, *, md5_of_jpeg: str | None = None) -> None:
        super().__init__(Reason.CORRUPT, message)
        self.md5_of_jpeg = md5_of_jpeg  # of bytes that are as many as listed, and a JPEG from end to end


class _NotAnImageError(Exception):
    """The content is something else."""


class _Carriage:
    """One file under way, with what its tries have taught so far."""

    def __init__(self, parcel: TransferItem, *, source: Source, store: Store, bounds: Bounds, halt: Halt) -> None:
        self._parcel = parcel
        self._source = source
        self._store = store
        self._memory = bounds.memory
        self._halt = halt
        self._listed = File(
            id=parcel.file_id,
            name=parcel.name,
            mime_type=parcel.mime_type,
            size_bytes=parcel.size_bytes,
            md5=parcel.md5,
            resource_key=parcel.resource_key,
        )
        self._distrusts_store = False  # our own digest decides, before anything is put
        self._md5s_of_jpeg: set[str] = set()
        self._keep_md5: str | None = None  # a digest that came twice: the source's own is wrong

    async def bring(self) -> Outcome:
        for tries_left in range(CORRUPT_TRIES_MAX - 1, -1, -1):
            try:
                arrival = await self._once()
            except _NotAnImageError:
                detail = "Its name or type is an image's, its content is not."
                return Outcome(
                    item_id=self._parcel.item_id,
                    state=ItemState.SKIPPED,
                    reason=Reason.NOT_AN_IMAGE,
                    detail=detail,
                )
            except TransientError as exc:
                if exc.reason is not Reason.CORRUPT:
                    raise
                if not tries_left:
                    return _outcome(self._parcel, ItemState.FAILED, exc)
                log.info("file.corrupt", file_id=self._parcel.file_id, detail=exc.message)
                await self._learn(exc)
            else:
                return self._stored(arrival)
        raise AssertionError("unreachable: the last try returns")

    def _stored(self, arrival: _Arrival) -> Outcome:
        flagged = self._keep_md5 is not None
        detail = None
        if flagged:
            detail = f"The source tells the digest {self._listed.md5}, but its bytes have {self._keep_md5}, every time."
        return Outcome(
            item_id=self._parcel.item_id,
            state=ItemState.STORED,
            size_bytes=arrival.size_bytes,
            md5=arrival.md5,
            version=self._listed.version,
            mime_type=arrival.mime_type,
            flagged=flagged,
            detail=detail,
        )

    async def _learn(self, corrupt: TransientError) -> None:
        """Look again what the file is now: it may have changed since it was listed, or be gone."""
        fresh = await self._source.stat(self._parcel.file_id, resource_key=self._parcel.resource_key)
        self._distrusts_store = True
        if isinstance(fresh, Folder):
            return
        changed = (fresh.md5, fresh.size_bytes) != (self._listed.md5, self._listed.size_bytes)
        if changed and fresh.version is not None:
            self._listed = replace(self._listed, size_bytes=fresh.size_bytes, md5=fresh.md5, version=fresh.version)
        elif isinstance(corrupt, _CorruptError) and corrupt.md5_of_jpeg is not None:
            # A few JPEGs that came to Drive from Google Photos never match their md5Checksum.
            if corrupt.md5_of_jpeg in self._md5s_of_jpeg:
                self._keep_md5 = corrupt.md5_of_jpeg
            self._md5s_of_jpeg.add(corrupt.md5_of_jpeg)

    async def _once(self) -> _Arrival:
        size_bytes = self._listed.size_bytes
        if size_bytes is not None and size_bytes <= WHOLE_BYTES_MAX:
            async with self._memory.hold(size_bytes, halt=self._halt):
                with self._halt.download():
                    data = await self._source.read(self._listed)
                return await self._put_whole(data)
        async with (
            self._memory.hold(STREAM_BYTES_HELD, halt=self._halt),
            aclosing(self._source.stream(self._listed)) as chunks,
        ):
            begun = await self._first(chunks, at_most=WHOLE_BYTES_MAX)
            if size_bytes is None and len(begun) < WHOLE_BYTES_MAX:
                return await self._put_whole(begun)
            return await self._put_stream(begun, chunks)

    async def _first(self, chunks: AsyncIterator[Content], *, at_most: int) -> bytes:
        begun = bytearray()
        while len(begun) < at_most and (chunk := await self._halt.next_chunk(chunks)) is not None:
            begun += chunk
        return bytes(begun)

    async def _put_whole(self, data: Content) -> _Arrival:
        key, listed = self._parcel.key, self._listed
        self._verify_size(len(data))
        if not data:
            raise PermanentError(Reason.EMPTY, "The file holds no bytes.")
        mime_type = self._sniff(data)
        # The store's own digest spares ours, unless a wrong object would stand in a good one's place meanwhile.
        trusts_store = self._store.answers_md5 and not self._parcel.replaces and not self._distrusts_store
        md5 = listed.md5 if trusts_store else None
        if md5 is None:
            md5 = await md5_of(data)
            self._verify_md5(md5, jpeg=_is_whole_jpeg(data, data))
        told = await self._store.put(key, data, mime_type=mime_type)
        if told != md5 and (told is not None or trusts_store):
            md5 = await md5_of(data)
            await self._look_into(md5, jpeg=_is_whole_jpeg(data, data))
        return _Arrival(size_bytes=len(data), md5=md5, mime_type=mime_type)

    async def _put_stream(self, begun: bytes, chunks: AsyncIterator[Content]) -> _Arrival:
        mime_type = self._sniff(begun)
        digest = StreamDigest(part_bytes=PART_BYTES if self._store.answers_md5 else 0)

        async def checked() -> AsyncGenerator[Content, None]:
            # An error raised here, before the last part is closed, leaves nothing in the store.
            tail = begun[-TAIL_BYTES:]
            await digest.add(begun)
            yield begun
            while (chunk := await self._halt.next_chunk(chunks)) is not None:
                tail = (tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]  # the last chunk may be a single byte
                await digest.add(chunk)
                yield chunk
            self._verify_size(digest.size_bytes)
            self._verify_md5(digest.md5, jpeg=_is_whole_jpeg(begun, tail))

        told = await self._store.put_stream(self._parcel.key, checked(), mime_type=mime_type)
        if told is not None and told not in (digest.of_parts, digest.md5):
            await self._look_into(digest.md5)
        return _Arrival(size_bytes=digest.size_bytes, md5=digest.md5, mime_type=mime_type)

    def _verify_size(self, size_bytes: int) -> None:
        if self._listed.size_bytes not in (None, size_bytes):
            raise _CorruptError(f"{size_bytes} bytes came, the source tells {self._listed.size_bytes}.")

    def _verify_md5(self, md5: str, *, jpeg: bool = False) -> None:
        if self._listed.md5 is not None and md5 not in (self._listed.md5, self._keep_md5):
            message = f"The bytes have the digest {md5}, the source tells {self._listed.md5}."
            raise _CorruptError(message, md5_of_jpeg=md5 if jpeg else None)

    async def _look_into(self, md5: str, *, jpeg: bool = False) -> None:
        """Find out why the store's digest is not the one expected: wrong bytes came, wrong ones stand, or it is no MD5.

        Wrong bytes are removed, and raised as corrupt.
        """
        key = self._parcel.key
        try:
            self._verify_md5(md5, jpeg=jpeg)
            await self._verify_held(md5)
        except _CorruptError:
            await self._store.delete(key)
            raise
        # The object is right, so the ETag is no MD5: this store encrypts with a key of KMS or a customer's. From
        # now on what it is given is hashed first, and what it holds is read back.
        self._store.answers_md5 = False

    async def _verify_held(self, md5: str) -> None:
        held_md5 = await md5_of_stream(self._store.read(self._parcel.key))
        if held_md5 != md5:
            raise _CorruptError(f"The store holds bytes of the digest {held_md5}, it was given {md5}.")

    def _sniff(self, data: Content) -> str:
        told = sniff(bytes(data[:HEAD_BYTES]), name=self._parcel.name, mime_type=self._parcel.mime_type)
        if told is None:
            raise _NotAnImageError
        return told


async def standing(parcel: TransferItem, *, store: Store) -> Outcome | None:
    """The outcome of a file whose object an earlier try brought in full, before it could tell so."""
    await store.tidy(parcel.key)
    if parcel.md5 is None or parcel.size_bytes is None:
        return None
    held = await store.head(parcel.key)
    if held is None or held.size_bytes != parcel.size_bytes:
        return None
    digest = held.digest
    if not (store.answers_md5 and is_md5(digest)):
        digest = await md5_of_stream(store.read(parcel.key))
    if digest != parcel.md5:
        return None
    head = await store.read_head(parcel.key, size_bytes=min(HEAD_BYTES, held.size_bytes))
    return Outcome(
        item_id=parcel.item_id,
        state=ItemState.STORED,
        size_bytes=held.size_bytes,
        md5=digest,
        mime_type=sniff(head, name=parcel.name, mime_type=parcel.mime_type),
        moved=False,
    )


def _is_whole_jpeg(first: Content, last: Content) -> bool:
    return bytes(first[:3]) == b"\xff\xd8\xff" and bytes(last[-TAIL_BYTES:]).rstrip(b"\0").endswith(b"\xff\xd9")


def _outcome(parcel: TransferItem, state: ItemState, error: TransientError | DeferredError | PermanentError) -> Outcome:
    return Outcome(item_id=parcel.item_id, state=state, reason=error.reason, detail=error.message)
