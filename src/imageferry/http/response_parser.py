"""What an answer says of itself, as llhttp reads it; and its body, where that comes in frames or packed."""

import zlib
from functools import lru_cache
from typing import Any

import httptools

_GZIP = 31  # zlib's word for it
_NO_BODY = frozenset({204, 304})
_OK = 200


class Reading:
    """One answer that is being read: fed with its head, and with its body where no length tells how it ends."""

    __slots__ = (
        "_bodiless", "_head", "_lowered", "_parser", "_pieces", "_unpacker", "_unpacks",
        "complete", "ended", "keeps", "size_bytes", "status", "until_closed",
    )  # fmt: skip

    def __init__(self, *, unpacks: bool, bodiless: bool) -> None:
        self.status = 0
        self.complete = False  # its head has been read
        self.keeps = False  # the connection may carry another answer behind this one
        self.size_bytes: int | None = None  # of a body that comes as it is; None: it is to be fed
        self.until_closed = False  # nothing but the connection's end tells where its body ends
        self.ended = False
        self._head = self._lowered = b""
        self._pieces: list[bytes] = []
        self._unpacks = unpacks
        self._bodiless = bodiless
        self._unpacker: Any = None  # zlib's, where it comes packed
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def read_head(self, head: bytes) -> None:
        """Take in a head, whole; ValueError: it is none. Not complete after it: it was an interim one."""
        self.feed(head)
        self._head, self._lowered = head, head.lower()
        if self.status < _OK:
            return
        self.complete = True
        size = self.header("Content-Length")
        if self._bodiless or self.status in _NO_BODY:
            self.size_bytes = 0
        elif self._unpacks and self.header("Content-Encoding") == "gzip":
            self._unpacker = zlib.decompressobj(_GZIP)
        elif size is not None:
            self.size_bytes = int(size)  # llhttp has seen that it is a number, and the only one
        else:
            self.until_closed = self.header("Transfer-Encoding") is None

    def feed(self, data: bytes) -> list[bytes]:
        """Pieces of its body that come of this; ValueError: it is no answer, or none that can be unpacked."""
        if self._parser is None:
            raise AssertionError("unreachable: what has ended is fed no more")
        try:
            self._parser.feed_data(data)
            pieces, self._pieces = self._pieces, []
            return pieces if self._unpacker is None else [self._unpacker.decompress(piece) for piece in pieces]
        except (httptools.HttpParserError, zlib.error) as exc:
            raise ValueError(f"The answer is none by HTTP: {exc}") from exc

    def let_go(self) -> None:
        """Read no more: it and its parser hold each other."""
        self._parser = None

    def header(self, name: str) -> str | None:
        """A header's value, the last where it comes twice; None: it is not there."""
        sign = _sign_of(name)
        at = self._lowered.rfind(sign)
        return None if at < 0 else self._value(at + len(sign))

    def headers(self, name: str) -> list[str]:
        """Every value of a header, in the order in which they came."""
        sign, found, at = _sign_of(name), list[str](), -1
        while (at := self._lowered.find(sign, at + 1)) >= 0:
            found.append(self._value(at + len(sign)))
        return found

    def _value(self, begins: int) -> str:
        return self._head[begins : self._head.find(b"\n", begins)].strip().decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self._parser is not None:
            self.status = self._parser.get_status_code()
            self.keeps = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.ended = self.status >= _OK


@lru_cache(maxsize=256)
def _sign_of(name: str) -> bytes:
    """What a header begins with, in a head that is in lower case."""
    return f"\n{name}:".lower().encode()
