"""What a decoding process is told and answers: frames of bytes, each with its length before it."""

import struct

from msgspec import Struct

LENGTH = struct.Struct("<I")
FRAME_BYTES_MAX = 64 * 1024 * 1024


class Order(Struct, frozen=True, kw_only=True):
    """What is to be drawn; the file's bytes follow it, in frames of which the last is empty."""

    width: int  # pixels, at most
    quarter_turns: int = 0  # clockwise, as the listing says; for files that do not say it themselves
    raw: bool = False  # a camera's RAW file: its preview is drawn
    mark: str = ""  # written into the thumbnail


class Drawn(Struct, frozen=True, kw_only=True):
    """A thumbnail, and what was learned of its picture."""

    body: bytes  # WebP
    width: int | None  # pixels of the picture, upright; None: not known
    height: int | None
    placeholder: str  # a thumbhash, in Base64


class Answer(Struct, frozen=True, kw_only=True):
    """How an order ended."""

    drawn: Drawn | None = None
    why_not: str | None = None  # one sentence


class UnreadableError(Exception):
    """No thumbnail can be made of these bytes; the message is a sentence."""
