"""Files' bytes on their way out: whole, in part, or damaged to order."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from urllib.parse import quote

from aiohttp import hdrs, web
from msgspec import Struct
from msgspec.structs import replace

from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.file_content import Content, InMemory

_WHOLE_BYTES_MAX = 1 << 20  # larger bodies are streamed
_CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SURPLUS = b"surplus of a body that is too long"
_SETTLE_S = 0.05  # for what was sent to be read before a reset throws it away

Sent = Callable[[int], None]  # told how many bytes went out


class _Part(Struct, frozen=True, kw_only=True):
    """What of a content is to be sent, and as what."""

    content: Content
    start: int
    stop: int
    status: int
    headers: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start


async def send(
    request: web.Request,
    node: Node,
    content: Content,
    *,
    fault: Fault | None = None,
    headers: Mapping[str, str] | None = None,
    sent: Sent,
) -> web.StreamResponse:
    """Answers with a file's bytes, or with the part that a Range header asks for."""
    ignores_range = fault is not None and fault.kind is Damage.RANGE_IGNORED
    asked = None if ignores_range else _asked_range(request, node)
    part = _part(node, content, asked)
    if headers:
        part = replace(part, headers={**part.headers, **headers})
    if fault is not None and isinstance(fault.kind, Damage) and fault.kind in _DAMAGED:
        return await _DAMAGED[fault.kind](request, part, fault, sent)
    if part.size_bytes <= _WHOLE_BYTES_MAX:
        body = part.content.read(part.start, part.stop)
        sent(len(body))
        return web.Response(body=body, status=part.status, headers=part.headers)
    return await _stream(request, part, sent=sent)


def attachment(name: str) -> str:
    """A Content-Disposition that survives any name."""
    plain = re.sub(r'[^ -~]|["\\\\]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(node: Node, content: Content, asked: tuple[int, int] | None) -> _Part:
    size_bytes = content.size_bytes
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: node.mime_type,
        hdrs.LAST_MODIFIED: format_datetime(node.modified_at, usegmt=True),
        hdrs.ACCEPT_RANGES: "bytes",
    }
    if asked is None:
        return _Part(content=content, start=0, stop=size_bytes, status=200, headers=headers)
    start, stop = asked
    if start >= stop:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{size_bytes}"
        return _Part(content=content, start=0, stop=0, status=416, headers=headers)
    headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{size_bytes}"
    return _Part(content=content, start=start, stop=stop, status=206, headers=headers)


def _asked_range(request: web.Request, node: Node) -> tuple[int, int] | None:
    """Start and stop; an empty one cannot be had. None: everything is asked for."""
    asked = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if asked is None or asked[0] == "bytes=-" or node.content is None:
        return None
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition not in {None, format_datetime(node.modified_at, usegmt=True)}:
        return None
    size_bytes = node.content.size_bytes
    if not asked[1]:
        return max(0, size_bytes - int(asked[2])), size_bytes
    return int(asked[1]), min(int(asked[2]) + 1, size_bytes) if asked[2] else size_bytes


async def _begin(request: web.Request, part: _Part) -> web.StreamResponse:
    response = web.StreamResponse(status=part.status, headers=part.headers)
    response.content_length = part.size_bytes
    await response.prepare(request)
    return response


async def _stream(request: web.Request, part: _Part, *, stop: int | None = None, sent: Sent) -> web.StreamResponse:
    """Sends a part, but nothing from `stop` on."""
    response = await _begin(request, part)
    await _write(response, part, part.start, part.stop if stop is None else stop, sent)
    return response


async def _write(response: web.StreamResponse, part: _Part, start: int, stop: int, sent: Sent) -> None:
    for offset in range(start, stop, _CHUNK_BYTES):
        chunk = part.content.read(offset, min(offset + _CHUNK_BYTES, stop))
        await response.write(chunk)
        sent(len(chunk))


# The ways to damage a body.


async def _cut(request: web.Request, part: _Part, fault: Fault, sent: Sent) -> web.StreamResponse:
    """Breaks the connection off; the client was promised the whole part."""
    middle, last = part.start + part.size_bytes // 2, part.stop - 1
    stop = middle if fault.kind is Damage.RESET_HALF_WAY else last
    response = await _stream(request, part, stop=max(stop, part.start), sent=sent)
    await asyncio.sleep(_SETTLE_S)
    reset(request)
    return response


async def _replaced(request: web.Request, part: _Part, fault: Fault, sent: Sent) -> web.StreamResponse:
    """Sends other bytes than the file's, with a length that fits them."""
    body = part.content.read(part.start, part.stop)
    if fault.kind is Damage.SHORT:
        body = body[: len(body) // 2]
    elif fault.kind is Damage.LONG:
        body += _SURPLUS
    elif body:
        middle = len(body) // 2
        body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    damaged = replace(part, content=InMemory(body), start=0, stop=len(body))
    return await _stream(request, damaged, sent=sent)


async def _stalled(request: web.Request, part: _Part, fault: Fault, sent: Sent) -> web.StreamResponse:
    """Sends half, then nothing for a while, then the rest."""
    middle = part.start + part.size_bytes // 2
    response = await _stream(request, part, stop=middle, sent=sent)
    await asyncio.sleep(fault.seconds)
    await _write(response, part, middle, part.stop, sent)
    return response


async def _trickled(request: web.Request, part: _Part, fault: Fault, sent: Sent) -> web.StreamResponse:
    """Sends a byte at a time."""
    response = await _begin(request, part)
    for offset in range(part.start, part.stop):
        await response.write(part.content.read(offset, offset + 1))
        sent(1)
        await asyncio.sleep(fault.seconds)
    return response


_DAMAGED = {
    Damage.RESET_HALF_WAY: _cut,
    Damage.RESET_AT_END: _cut,
    Damage.SHORT: _replaced,
    Damage.LONG: _replaced,
    Damage.FLIPPED_BIT: _replaced,
    Damage.STALL: _stalled,
    Damage.TRICKLE: _trickled,
}


def reset(request: web.Request) -> None:
    """Ends the connection with RST, not with an orderly close."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # No lingering: the kernel drops what it holds and resets.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
