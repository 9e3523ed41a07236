"""Parsing a response's head with llhttp, and its body where that is chunked."""

import re
from functools import lru_cache

import httptools

HEAD_BYTES_MAX = 64 * 1024  # with all interim responses before it; later of chunk sizes, extensions and trailers
FRAMING_PER_BODY_MAX = 16  # so many more of those are permitted for each byte of the body: chunks may be tiny
_START = b"HTTP/"
_END = b"\r\n\r\n"
_SWITCHING_PROTOCOLS = 101
_INTERIM = range(100, 200)
_NO_BODY = frozenset({204, 304})
_FOLDED_LINE = re.compile(rb"\r\n[ \t]+")
_CODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}  # whether the body has to be unpacked


class ResponseParser:
    """Parser of one response: fed its head, and its body unless Content-Length delimits it."""

    __slots__ = (
        "_head", "_left_framing_bytes", "_lowered_head", "_no_body", "_parser", "_pieces",
        "body_bytes", "ended", "head_complete", "is_gzip", "keep_alive", "reads_until_close", "status",
    )  # fmt: skip

    def __init__(self, *, no_body: bool) -> None:
        self.status = 0
        self.head_complete = False  # and not an interim (1xx) one
        self.keep_alive = False  # the connection may carry another response after this one
        self.body_bytes: int | None = None  # length of a body that needs no parsing; None: feed the body
        self.reads_until_close = False  # the body ends where the connection does
        self.is_gzip = False
        self.ended = False
        self._head = self._lowered_head = b""  # what has come of it
        self._left_framing_bytes = HEAD_BYTES_MAX
        self._pieces: list[bytes] = []
        self._no_body = no_body
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed_head(self, data: bytes) -> bytes | None:
        """Return the start of the body once the head is complete. Raises ValueError when it is invalid HTTP."""
        self._left_framing_bytes -= len(data)
        data = self._head + data
        while (end := data.find(_END) + len(_END)) >= len(_END):
            self._read_head(data[:end])
            data = data[end:]
            if self.head_complete:
                self._left_framing_bytes = HEAD_BYTES_MAX
                return data
        if self._left_framing_bytes < 0:
            raise ValueError("the head of the response does not end")
        start = data.lstrip(b"\r\n")
        if b"\n\n" in start or not (start.startswith(_START) or _START.startswith(start)):
            raise ValueError("the response is not valid HTTP")  # its end would never be found
        self._head = data
        return None

    def feed(self, data: bytes) -> bytes:
        """Return the body in the data. Raises ValueError when it is invalid HTTP."""
        if self._parser is None:
            raise AssertionError("unreachable: a response that has ended is fed no more")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self.ended:
                what = "it switches to another protocol" if self.status == _SWITCHING_PROTOCOLS else exc
                raise ValueError(f"the response is not valid HTTP: {what}") from exc
            self.keep_alive = False  # what came behind the end belongs to no response
        body, self._pieces = b"".join(self._pieces), []
        if self.head_complete:
            self._left_framing_bytes += FRAMING_PER_BODY_MAX * len(body) - (len(data) - len(body))
            if self._left_framing_bytes < 0:
                raise ValueError("the response has more chunk extensions or trailers than it may have")
        return body

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

    def _read_head(self, head: bytes) -> None:
        """Parse a whole head, which may be an interim (1xx) one."""
        if b"\n " in head or b"\n\t" in head:
            head = _FOLDED_LINE.sub(b" ", head)  # RFC 9112, 5.2: obsolete, but permitted in responses
        self.status = 0
        self.feed(head)
        if self.status in _INTERIM or not self.status:  # there is no status in empty lines before a response
            return
        if self.status < _INTERIM.start:
            raise ValueError(f"the response is not valid HTTP: its status is {self.status:03}")
        self._head, self._lowered_head = head, head.lower()
        if self._no_body or self.status in _NO_BODY:
            self.body_bytes = 0
        else:
            self._read_framing()
        self.head_complete = True

    def _read_framing(self) -> None:
        """Find out how the body is coded and where it ends."""
        self.is_gzip = _is_gzip(",".join(self.headers("Content-Encoding")))
        if (size := self.header("Content-Length")) is not None:
            self.body_bytes = int(size)  # llhttp has checked that it is a number, and the only one
        elif codings := self.headers("Transfer-Encoding"):
            if [coding.lower() for coding in codings] != ["chunked"]:
                raise ValueError("the response has a transfer coding that was not asked for")
        else:
            self.reads_until_close = True

    def on_message_begin(self) -> None:
        """Callback of llhttp."""
        if self.ended:
            raise ValueError("more bytes came than the response has")

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
        self.ended = self.status not in _INTERIM


def _is_gzip(codings: str) -> bool:
    """Return whether a Content-Encoding means gzip. Raises ValueError when it means anything else that is coded."""
    is_gzip = _CODINGS.get(codings.strip().lower())
    if is_gzip is None:
        raise ValueError(f"the body is encoded as {codings[:40]!r}, which was not asked for")
    return is_gzip


@lru_cache(maxsize=256)
def _line_prefix(name: str) -> bytes:
    """Return what a header's line starts with in a lower-cased head."""
    return f"\n{name}:".lower().encode()
