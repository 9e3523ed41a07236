"""The frame format: a body preceded by its length in bytes, a little-endian 32-bit integer."""

from struct import Struct

LENGTH = Struct("<I")
# A larger frame ends the connection: a length of garbage must not make a process allocate gigabytes.
FRAME_BYTES_MAX = 64 << 20


class ConnectionLostError(Exception):
    """The other process has ended or closed the connection, or a frame is larger than FRAME_BYTES_MAX."""


def encode_frame(body: bytes) -> bytes:
    """Return a frame. Raises ConnectionLostError for a body that the other process would refuse."""
    if len(body) > FRAME_BYTES_MAX:
        raise ConnectionLostError(f"A frame of {len(body):,} bytes is too large.")
    return LENGTH.pack(len(body)) + body


def decode_length(header: bytes) -> int:
    """Return the length of the body that follows. Raises ConnectionLostError when it is too large."""
    (size_bytes,) = LENGTH.unpack(header)
    if size_bytes > FRAME_BYTES_MAX:
        raise ConnectionLostError(f"A frame of {size_bytes:,} bytes is too large.")
    return int(size_bytes)
