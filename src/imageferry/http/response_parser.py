"""Parsing a response's head with llhttp, and its body where that is chunked or compressed."""

import zlib
from functools import lru_cache
from typing import Any

import httptools

_GZIP = 31  # zlib's `wbits` for the gzip format
_NO_BODY = frozenset({204, 304})
_OK = 200


class ResponseParser:
    """Parser of one response: fed its head, and its body unless Content-Length delimits it."""

    __slots__ = (
        "_decompress", "_decompressor", "_head", "_lowered_head", "_no_body", "_parser", "_pieces",
        "body_bytes", "ended", "head_complete", "keep_alive", "reads_until_close", "status",
    )  # fmt: skip

    def __init__(self, *, decompress: bool, no_body: bool) -> None:
        self.status = 0
        self.head_complete = False
        self.keep_alive = False  # the connection may carry another response after this one
        self.body_bytes: int | None = None  # length of a body that needs no parsing; None: feed the body
        self.reads_until_close = False  # the body ends where the connection does
        self.ended = False
        self._head = self._lowered_head = b""
        self._pieces: list[bytes] = []
        self._decompress = decompress
        self._no_body = no_body
        self._decompressor: Any = None  # zlib's, for a compressed body
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def read_head(self, head: bytes) -> None:
        """Parse a whole head. `head_complete` stays False after an interim (1xx) one. Raises ValueError."""
        self.feed(head)
        self._head, self._lowered_head = head, head.lower()
        if self.status < _OK:
            return
        self.head_complete = True
        size = self.header("Content-Length")
        if self._no_body or self.status in _NO_BODY:
            self.body_bytes = 0
        elif self._decompress and self.header("Content-Encoding") == "gzip":
            self._decompressor = zlib.decompressobj(_GZIP)
        elif size is not None:
            self.body_bytes = int(size)  # llhttp has checked that it is a number, and the only one
        else:
            self.reads_until_close = self.header("Transfer-Encoding") is None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces of body in the data. Raises ValueError when it is invalid HTTP or gzip."""
        if self._parser is None:
            raise AssertionError("unreachable: a response that has ended is fed no more")
        try:
            self._parser.feed_data(data)
            pieces, self._pieces = self._pieces, []
            return pieces if self._decompressor is None else [self._decompressor.decompress(piece) for piece in pieces]
        except (httptools.HttpParserError, zlib.error) as exc:
            raise ValueError(f"The response is not valid HTTP: {exc}") from exc

    def close(self) -> None:
        """Break the reference cycle between this object and llhttp's parser."""
        self._parser = None

    def header(self, name: str) -> str | None:
        """Return a header's value, the last one if it is repeated, or None."""
        prefix = _line_prefix(name)
        at = self._lowered_head.rfind(prefix)
        return None if at < 0 else self._value(at + len(prefix))

    def headers(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        prefix, found, at = _line_prefix(name), list[str](), -1
        while (at := self._lowered_head.find(prefix, at + 1)) >= 0:
            found.append(self._value(at + len(prefix)))
        return found

    def _value(self, start: int) -> str:
        return self._head[start : self._head.find(b"\n", start)].strip().decode("latin-1")

    def on_headers_complete(self) -> None:
        """Callback of llhttp."""
        if self._parser is not None:
            self.status = self._parser.get_status_code()
            self.keep_alive = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Callback of llhttp."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Callback of llhttp."""
        self.ended = self.status >= _OK


@lru_cache(maxsize=256)
def _line_prefix(name: str) -> bytes:
    """Return what a header's line starts with in a lower-cased head."""
    return f"\n{name}:".lower().encode()
