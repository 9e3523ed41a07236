"""A response whose body is unpacked as the caller reads it."""

import zlib

from imageferry.http.base import HttpResponse, IncompleteResponseError, InvalidResponseError

PACKED_BYTES_MIN = 64 * 1024  # received at once
_STEP_BYTES = 16 * 1024  # given to zlib at once: it copies what it did not need for the bytes that were asked for
_GZIP = 31  # zlib's `wbits` for the gzip format


class GzipResponse:
    """A response with a gzip body. Implements HttpResponse."""

    def __init__(self, packed: HttpResponse) -> None:
        self.status = packed.status
        self.header = packed.header
        self.headers = packed.headers
        self._packed = packed
        self._decoder = GzipDecoder()

    async def read(self, size_bytes_max: int) -> bytes:
        """See HttpResponse."""
        unpacked = self._unpack(size_bytes_max)
        while len(unpacked) < size_bytes_max:
            packed = await self._packed.read(max(size_bytes_max, PACKED_BYTES_MIN))
            if not packed:
                if self._decoder.is_complete:
                    break
                raise IncompleteResponseError("the gzip body ended too early")
            self._decoder.feed(packed)
            unpacked += self._unpack(size_bytes_max - len(unpacked))
        return unpacked

    def close(self) -> None:
        """See HttpResponse."""
        self._packed.close()

    def _unpack(self, size_bytes_max: int) -> bytes:
        try:
            return self._decoder.unpack(size_bytes_max)
        except zlib.error as exc:
            self.close()
            raise InvalidResponseError("the body is not valid gzip") from exc


class GzipDecoder:
    """Unpacks gzip, of one member or several. No more is unpacked, and held, than the caller asks for."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(_GZIP)
        self._packed = memoryview(b"")
        self._is_empty = True  # not a byte was fed

    @property
    def is_complete(self) -> bool:
        """Whether all that was fed is unpacked, up to the checksum at its end. No bytes at all are complete too."""
        return self._is_empty or (self._inflater.eof and not self._packed)

    def feed(self, packed: bytes | bytearray) -> None:
        """Add bytes. Everything fed earlier must have been unpacked."""
        self._packed = memoryview(packed)
        self._is_empty = False

    def unpack(self, size_bytes_max: int) -> bytes:
        """Return the next bytes, fewer when all that was fed is unpacked. Raises zlib.error."""
        pieces, left_bytes = list[bytes](), size_bytes_max
        while left_bytes:
            step = self._packed[:_STEP_BYTES]
            if self._inflater.eof:
                if not step:
                    break
                self._inflater = zlib.decompressobj(_GZIP)
            piece = self._inflater.decompress(step, left_bytes)
            if not (step or piece):
                break
            unused = self._inflater.unused_data or self._inflater.unconsumed_tail
            self._packed = self._packed[len(step) - len(unused) :]
            pieces.append(piece)
            left_bytes -= len(piece)
        return b"".join(pieces)
