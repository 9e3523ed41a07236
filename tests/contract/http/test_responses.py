"""Responses of every kind: where each ends, what it is unpacked to, and which are refused."""

import gzip
from typing import NamedTuple

import pytest

from imageferry.http.base import HttpError, IncompleteResponseError, InvalidResponseError, NoResponseError, Request
from tests.contract.http.conftest import OpenClient, fetch
from tests.servers.raw_http import serve_raw

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 4\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
PACKED = gzip.compress(b"body")


def with_coding(coding: bytes, body: bytes) -> bytes:
    return OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


class Whole(NamedTuple):
    """A response that is accepted, and whether its connection carries the next request."""

    answer: bytes
    body: bytes = b"body"
    is_reused: bool = True
    method: str = "GET"
    status: int = 200
    closes: bool = False


WHOLE = {
    "by length": Whole(LENGTH + b"\r\nbody"),
    "of nothing": Whole(OK + b"Content-Length: 0\r\n\r\n", body=b""),
    "by chunks": Whole(CHUNKED + b"\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\n"),
    "by the smallest chunks": Whole(CHUNKED + b"\r\n" + b"0001\r\nb\r\n" * 99_999 + b"0\r\n\r\n", body=b"b" * 99_999),
    "by chunks with extensions": Whole(CHUNKED + b'\r\n4;a=b;c="d"\r\nbody\r\n0;last\r\n\r\n'),
    "by chunks with trailers": Whole(CHUNKED + b"\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"),
    "of HTTP/1.0": Whole(b"HTTP/1.0 200 OK\r\n\r\nbody", is_reused=False, closes=True),
    "to the end of the connection": Whole(OK + b"\r\nbody", is_reused=False, closes=True),
    "that closes": Whole(LENGTH + b"Connection: close\r\n\r\nbody", is_reused=False),
    "after 100": Whole(b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH + b"\r\nbody"),
    "after 102 and 103": Whole(b"HTTP/1.1 102 X\r\n\r\n" + b"HTTP/1.1 103 X\r\n\r\n" * 20 + LENGTH + b"\r\nbody"),
    "without a reason": Whole(b"HTTP/1.1 404\r\nContent-Length: 4\r\n\r\nbody", status=404),
    "after empty lines": Whole(b"\r\n\r\n" + LENGTH + b"\r\nbody"),
    "to HEAD": Whole(LENGTH + b"\r\n", body=b"", method="HEAD"),
    "to HEAD, chunked": Whole(CHUNKED + b"\r\n", body=b"", method="HEAD"),
    "to HEAD, gzip": Whole(with_coding(b"gzip", b""), body=b"", method="HEAD"),
    "204": Whole(b"HTTP/1.1 204 No Content\r\n\r\n", body=b"", status=204),
    "304 with a length": Whole(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", body=b"", status=304),
    "with a folded header": Whole(OK + b"X-Folded: a\r\n  b\r\n\tc\r\nContent-Length:\r\n 4\r\n\r\nbody"),
    "that offers an upgrade": Whole(LENGTH + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\nbody"),
    "with bytes behind its length": Whole(LENGTH + b"\r\nbodyHTTP/1.1 200 OK\r\n\r\n", is_reused=False),
    "with bytes behind its chunks": Whole(CHUNKED + b"\r\n4\r\nbody\r\n0\r\n\r\nmore", is_reused=False),
    "with a response behind it": Whole(CHUNKED + b"\r\n4\r\nbody\r\n0\r\n\r\n" + LENGTH + b"\r\nmore", is_reused=False),
    "to HEAD, with a body": Whole(LENGTH + b"\r\nbody", body=b"", method="HEAD", is_reused=False),
    "204 with a body": Whole(b"HTTP/1.1 204 No Content\r\n\r\nbody", body=b"", status=204, is_reused=False),
    "304 with a body": Whole(b"HTTP/1.1 304 X\r\nContent-Length: 4\r\n\r\nbody", body=b"", status=304, is_reused=False),
    "gzip": Whole(with_coding(b"gzip", PACKED)),
    "x-gzip": Whole(with_coding(b"X-GZip", PACKED)),
    "gzip of two members": Whole(with_coding(b"gzip", gzip.compress(b"bo") + gzip.compress(b"dy"))),
    "gzip by chunks": Whole(CHUNKED + b"Content-Encoding: gzip\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(PACKED), PACKED)),
    "gzip of nothing": Whole(with_coding(b"gzip", b""), body=b""),
    "identity": Whole(with_coding(b"identity", b"body")),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE.values(), ids=WHOLE)
async def test_a_response_is_read_to_its_end_and_no_further(opened: OpenClient, case: Whole) -> None:
    async with serve_raw(case.answer, closes=case.closes) as server, opened() as client:
        response, body = await fetch(client, server.url, method=case.method)
        assert (response.status, body) == (case.status, case.body)
        assert await response.read(1) == b""
        _, again = await fetch(client, server.url)
        assert again == b"again"
        assert server.connections == (1 if case.is_reused else 2)


async def test_headers_are_found_by_name_whatever_their_case_and_form(opened: OpenClient) -> None:
    head = LENGTH + b"X-Twice: first\r\nx-twice:second\r\nX-Folded: a\r\n  b\r\nX-Latin: \xe9\r\nX-Empty:\r\n\r\nbody"
    async with serve_raw(head) as server, opened() as client:
        response, _ = await fetch(client, server.url)
        assert response.headers("X-TWICE") == ["first", "second"]
        assert [response.header(name) for name in ("x-twice", "X-Folded", "X-Latin", "X-Empty", "Twice")] == [
            "second",
            "a b",
            "é",
            "",
            None,
        ]


INVALID = {
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\n\r\nrest",
    "another protocol, named": b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nrest",
    "101 after 100": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\n\r\n",
    "interim responses without end": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000,
    "rubbish after 100": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2xx\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_10.0\r\n",
    "no HTTP, binary": b"\x15\x03\x01\0\x02\x02\x46",
    "an unknown version": b"HTTP/9.9 200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 99 OK\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "lines without CR": b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
    "a line without CR": OK + b"X: a\nContent-Length: 4\r\n\r\nbody",
    "a CR in a header": OK + b"X: a\rContent-Length: 4\r\n\r\nbody",
    "a NUL in a header": LENGTH + b"X: a\0b\r\n\r\nbody",
    "a NUL in a name": LENGTH + b"X\0: a\r\n\r\nbody",
    "a blank before a colon": OK + b"Content-Length : 4\r\n\r\nbody",
    "a header without a colon": LENGTH + b"rubbish\r\n\r\nbody",
    "a head of a megabyte": OK + b"X: %s\r\n\r\n" % (b"a" * (1 << 20)),
    "a head of many headers": OK + b"X: a\r\n" * 200_000 + b"\r\n",
    "two lengths": LENGTH + b"Content-Length: 5\r\n\r\nbody",
    "two lengths in one": OK + b"Content-Length: 4, 5\r\n\r\nbody",
    "a folded length": OK + b"Content-Length: 4\r\n 5\r\n\r\nbody",
    "a negative length": OK + b"Content-Length: -4\r\n\r\nbody",
    "a signed length": OK + b"Content-Length: +4\r\n\r\nbody",
    "a hexadecimal length": OK + b"Content-Length: 0x4\r\n\r\nbody",
    "a length of 2**64": OK + b"Content-Length: 18446744073709551616\r\n\r\nbody",
    "no length": OK + b"Content-Length:\r\n\r\nbody",
    "a length and chunks": LENGTH + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "a packed transfer": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "two transfer codings": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "an unknown transfer coding": OK + b"Transfer-Encoding: xchunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "a chunk of 2**68 bytes": CHUNKED + b"\r\nfffffffffffffffff\r\nbody",
    "a chunk of no number": CHUNKED + b"\r\nxyz\r\nbody\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"\r\n-4\r\nbody\r\n0\r\n\r\n",
    "a hexadecimal chunk": CHUNKED + b"\r\n0x4\r\nbody\r\n0\r\n\r\n",
    "a chunk without its end": CHUNKED + b"\r\n4\r\nbodymore\r\n0\r\n\r\n",
    "chunks without CR": CHUNKED + b"\r\n4\nbody\n0\n\n",
    "an extension without end": CHUNKED + b"\r\n4;" + b"a" * 200_000,
    "extensions without end": CHUNKED + b"\r\n" + b"1;%s\r\nb\r\n" % (b"a" * 1000) * 100,
    "trailers without end": CHUNKED + b"\r\n4\r\nbody\r\n0\r\n" + b"X: a\r\n" * 20_000,
    "a length in a trailer": CHUNKED + b"\r\n4\r\nbody\r\n0\r\nContent-Length: 9\r\n\r\n",
    "no gzip": with_coding(b"gzip", b"body"),
    "gzip with a wrong checksum": with_coding(b"gzip", PACKED[:-8] + bytes(8)),
    "gzip with rubbish behind it": with_coding(b"gzip", PACKED + b"rubbish"),
    "a coding that was not asked for": with_coding(b"br", b"body"),
    "deflate, which was not asked for": with_coding(b"deflate", b"body"),
    "gzip in gzip": with_coding(b"gzip, gzip", gzip.compress(PACKED)),
    "two codings": OK + b"Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nbody",
}


@pytest.mark.parametrize("answer", INVALID.values(), ids=INVALID)
async def test_what_is_not_valid_http_is_refused_at_once(opened: OpenClient, answer: bytes) -> None:
    async with serve_raw(answer) as server, opened() as client:
        with pytest.raises(InvalidResponseError) as raised:
            await fetch(client, server.url)
        assert not raised.value.timed_out
        assert len(str(raised.value)) < 200
        _, again = await fetch(client, server.url)
        assert again == b"again"


BROKEN_OFF = {
    "no answer": (b"", NoResponseError),
    "half a head": (OK[:9], NoResponseError),
    "only an interim response": (b"HTTP/1.1 100 Continue\r\n\r\n", NoResponseError),
    "no body": (LENGTH + b"\r\n", IncompleteResponseError),
    "half a body": (LENGTH + b"\r\nbo", IncompleteResponseError),
    "a body of 2**63 bytes": (OK + b"Content-Length: 9223372036854775808\r\n\r\nbody", IncompleteResponseError),
    "half a chunk": (CHUNKED + b"\r\n4\r\nbo", IncompleteResponseError),
    "no last chunk": (CHUNKED + b"\r\n4\r\nbody\r\n", IncompleteResponseError),
    "a last chunk without its end": (CHUNKED + b"\r\n4\r\nbody\r\n0\r\n", IncompleteResponseError),
    "a trailer without its end": (CHUNKED + b"\r\n4\r\nbody\r\n0\r\nX: a\r\n", IncompleteResponseError),
    "half a gzip body": (with_coding(b"gzip", PACKED[:-9]), IncompleteResponseError),
    "gzip without its checksum": (with_coding(b"gzip", PACKED[:-8]), IncompleteResponseError),
    "gzip without its last byte": (with_coding(b"gzip", PACKED[:-1]), IncompleteResponseError),
    "half a gzip body up to the end": (OK + b"Content-Encoding: gzip\r\n\r\n" + PACKED[:-9], IncompleteResponseError),
    "half a second member": (with_coding(b"gzip", PACKED + PACKED[:5]), IncompleteResponseError),
}


@pytest.mark.parametrize(("answer", "kind"), BROKEN_OFF.values(), ids=BROKEN_OFF)
async def test_a_response_that_breaks_off_is_never_taken_for_a_whole_one(
    opened: OpenClient, answer: bytes, kind: type[HttpError]
) -> None:
    async with serve_raw(answer, closes=True) as server, opened() as client:
        with pytest.raises(kind) as raised:
            await fetch(client, server.url)
        assert not raised.value.timed_out


async def test_what_came_before_a_response_broke_off_can_be_read(opened: OpenClient) -> None:
    async with serve_raw(LENGTH + b"\r\nbod", closes=True) as server, opened() as client:
        response = await client.send(Request(url=server.url, prefetch_bytes=3, timeout_s=20))
        assert await response.read(2) == b"bo"
        with pytest.raises(IncompleteResponseError):
            await response.read(2)


async def test_a_gzip_body_is_unpacked_no_further_than_it_is_read(opened: OpenClient) -> None:
    body = bytes(200_000) + b"\n" + bytes(100 << 20)
    packed = gzip.compress(body, compresslevel=1)
    async with serve_raw(with_coding(b"gzip", packed)) as server, opened() as client:
        response = await client.send(Request(url=server.url, timeout_s=20))
        assert await response.read(200_001) == body[:200_001]
        assert await response.read(1) == b"\0"
        read_bytes = 200_002
        while piece := await response.read(1 << 20):
            assert len(piece) == min(1 << 20, len(body) - read_bytes)
            read_bytes += len(piece)
        assert read_bytes == len(body)


@pytest.mark.parametrize("packed", [gzip.compress(bytes(1 << 20)), gzip.compress(bytes(range(256)) * 4096, 0)])
@pytest.mark.parametrize("step_bytes", [7, 4096, 100_003])
async def test_a_gzip_body_comes_whole_in_steps_of_any_size(opened: OpenClient, packed: bytes, step_bytes: int) -> None:
    async with serve_raw(with_coding(b"gzip", packed)) as server, opened() as client:
        response, read = await client.send(Request(url=server.url, timeout_s=20)), bytearray()
        while piece := await response.read(step_bytes):
            read += piece
        assert read == gzip.decompress(packed)
