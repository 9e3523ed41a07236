"""What a mover is told and answers: frames of bytes, each with its length before it."""

from struct import Struct
from typing import Any

import msgspec

from imageferry.model import Record, Transfer

LENGTH = Struct("<I")


class Order(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that a mover is told."""

    number: int = 0
    transfer: Transfer | None = None  # to be carried out under that number
    halted: str | None = None  # a job whose files are to come to their end
    broken_off: str | None = None  # a job whose downloads are to end where they are


class Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that a mover tells."""

    number: int = 0
    record: Record | None = None  # of the transfer with that number; the final one is its last. None: it has begun
    seen: Any = None  # what those who look on in the mover tell those here


def frame(message: object) -> bytes:
    """A message, as it goes through a pipe; paths as text."""
    body = msgspec.msgpack.encode(message, enc_hook=str)
    return LENGTH.pack(len(body)) + body
