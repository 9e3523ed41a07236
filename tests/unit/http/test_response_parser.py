"""Responses that are made up, in pieces of any size: h11, another parser, never reads another body in them."""

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from imageferry.http.response_parser import HEAD_BYTES_MAX, ResponseParser

# Parts of responses, right and wrong ones: random bytes alone would never get beyond the first line.
_LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304", b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 101 X", b"HTTP/1.1 099 X", b"HTTP/2.0 200",
        b"Content-Length: 4", b"Content-Length: 5", b"content-length:4", b"Content-Length : 4", b"Content-Length: -4",
        b"Content-Length: 4, 4", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip",
        b"Content-Encoding: gzip", b"Content-Encoding: br", b"Connection: close", b"Connection: keep-alive",
        b"Upgrade: h2c", b"X: \xe9", b"X: \0", b" folded", b"\tfolded", b":",
        b"", b"4", b"4;a=b", b"body", b"0", b"00", b"-4", b"0x4", b"fffffffffffffffff", b"bodyHTTP/1.1 200 OK",
    ]
)  # fmt: skip
_ENDS = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\n\r\n"])
_ANY = st.lists(st.tuples(_LINES, _ENDS), max_size=14).map(lambda parts: b"".join(map(b"".join, parts)))
_VALID = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x\r\nbody\r\n0\r\nX: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\nbody to the end",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n",
    ]
)
_CHANGED = st.builds(
    lambda whole, at, change, removed: whole[:at] + change + whole[at + removed :],
    _VALID, st.integers(0, 120), st.binary(max_size=3), st.integers(0, 3),
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(sent=_ANY | _CHANGED, step_bytes=st.integers(1, 200), method=st.sampled_from(["GET", "HEAD"]))
def test_no_body_differs_from_what_another_parser_reads(sent: bytes, step_bytes: int, method: str) -> None:
    ours, theirs = _parse(sent, step_bytes, method=method), _parse_with_h11(sent, method=method)
    assert ours is None or theirs is None or ours == theirs


@given(sent=st.binary(max_size=200), step_bytes=st.integers(1, 200))
def test_bytes_of_any_kind_are_refused_or_wait_for_more(sent: bytes, step_bytes: int) -> None:
    assert _parse(sent, step_bytes, method="GET") is None


def test_a_head_that_does_not_end_is_refused_whatever_its_pieces() -> None:
    for piece in (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"):
        sent = piece + (b"X: a\r\n" if piece.endswith(b"OK\r\n") else piece) * HEAD_BYTES_MAX
        assert _parse(sent[: 2 * HEAD_BYTES_MAX], 1000, method="GET") is None


def _parse(sent: bytes, step_bytes: int, *, method: str) -> tuple[int, bytes] | None:
    """Return status and body; None when the response is invalid or does not end."""
    parser, body, left_bytes = ResponseParser(no_body=method == "HEAD"), b"", 0
    try:
        for at in range(0, len(sent), step_bytes):
            data: bytes | None = sent[at : at + step_bytes]
            if not parser.head_complete:
                data = parser.feed_head(data or b"")
                left_bytes = parser.body_bytes or 0
            if data is None:
                continue
            if parser.body_bytes is None:
                body += parser.feed(data)
            else:
                body, left_bytes = body + data[:left_bytes], left_bytes - len(data[:left_bytes])
            if parser.ended or (parser.body_bytes is not None and not left_bytes):
                return parser.status, body
    except ValueError:
        return None
    return (parser.status, body) if parser.head_complete and parser.reads_until_close else None


def _parse_with_h11(sent: bytes, *, method: str) -> tuple[int, bytes] | None:
    connection, status, body = h11.Connection(h11.CLIENT), 0, b""
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    try:
        connection.receive_data(sent)
        has_ended = False
        while True:
            match connection.next_event():
                case h11.Response() as response:
                    status = response.status_code
                case h11.Data() as data:
                    body += bytes(data.data)
                case h11.EndOfMessage():
                    return status, body
                case h11.NEED_DATA if not has_ended:
                    connection.receive_data(b"")
                    has_ended = True
                case h11.InformationalResponse():
                    pass
                case _:
                    return None
    except h11.RemoteProtocolError:
        return None
