"""Sending files: whole, in part, or damaged by a fault."""

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
from imageferry.demo.file_content import FileContent, InMemory

_WHOLE_BYTES_MAX = 1 << 20  # larger bodies are streamed
_CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SURPLUS = b"surplus of a body that is too long"
_SETTLE_S = 0.05  # lets the client read what was sent before the reset discards it

OnSent = Callable[[int], None]  # called with the number of bytes sent


class _Part(Struct, frozen=True, kw_only=True):
    """The part of a content to send, with status and headers."""

    content: FileContent
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
    content: FileContent,
    *,
    fault: Fault | None = None,
    headers: Mapping[str, str] | None = None,
    on_sent: OnSent,
) -> web.StreamResponse:
    """Send a file's bytes, or the part that a Range header requests."""
    ignores_range = fault is not None and fault.kind is Damage.RANGE_IGNORED
    span = None if ignores_range else _requested_range(request, node)
    part = _part(node, content, span)
    if headers:
        part = replace(part, headers={**part.headers, **headers})
    if fault is not None and isinstance(fault.kind, Damage) and fault.kind in _DAMAGED:
        return await _DAMAGED[fault.kind](request, part, fault, on_sent)
    if part.size_bytes <= _WHOLE_BYTES_MAX:
        body = part.content.read(part.start, part.stop)
        on_sent(len(body))
        return web.Response(body=body, status=part.status, headers=part.headers)
    return await _stream(request, part, on_sent=on_sent)


def attachment(name: str) -> str:
    """Return a Content-Disposition header for any name."""
    plain = re.sub(r'[^ -~]|["\\\\]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(node: Node, content: FileContent, span: tuple[int, int] | None) -> _Part:
    size_bytes = content.size_bytes
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: node.mime_type,
        hdrs.LAST_MODIFIED: format_datetime(node.modified_at, usegmt=True),
        hdrs.ACCEPT_RANGES: "bytes",
    }
    if span is None:
        return _Part(content=content, start=0, stop=size_bytes, status=200, headers=headers)
    start, stop = span
    if start >= stop:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{size_bytes}"
        return _Part(content=content, start=0, stop=0, status=416, headers=headers)
    headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{size_bytes}"
    return _Part(content=content, start=start, stop=stop, status=206, headers=headers)


def _requested_range(request: web.Request, node: Node) -> tuple[int, int] | None:
    """Return start and stop of the requested range, which is empty if unsatisfiable; None: no range."""
    match = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, ""))
    if match is None or match[0] == "bytes=-" or node.content is None:
        return None
    condition = request.headers.get(hdrs.IF_RANGE)
    if condition not in {None, format_datetime(node.modified_at, usegmt=True)}:
        return None
    size_bytes = node.content.size_bytes
    if not match[1]:
        return max(0, size_bytes - int(match[2])), size_bytes
    return int(match[1]), min(int(match[2]) + 1, size_bytes) if match[2] else size_bytes


async def _start(request: web.Request, part: _Part) -> web.StreamResponse:
    response = web.StreamResponse(status=part.status, headers=part.headers)
    response.content_length = part.size_bytes
    await response.prepare(request)
    return response


async def _stream(request: web.Request, part: _Part, *, stop: int | None = None, on_sent: OnSent) -> web.StreamResponse:
    """Send a part up to `stop`."""
    response = await _start(request, part)
    await _write(response, part, part.start, part.stop if stop is None else stop, on_sent)
    return response


async def _write(response: web.StreamResponse, part: _Part, start: int, stop: int, on_sent: OnSent) -> None:
    for offset in range(start, stop, _CHUNK_BYTES):
        chunk = part.content.read(offset, min(offset + _CHUNK_BYTES, stop))
        await response.write(chunk)
        on_sent(len(chunk))


# Ways to damage a body.


async def _send_cut(request: web.Request, part: _Part, fault: Fault, on_sent: OnSent) -> web.StreamResponse:
    """Reset the connection before the announced end."""
    middle, last = part.start + part.size_bytes // 2, part.stop - 1
    stop = middle if fault.kind is Damage.RESET_HALF_WAY else last
    response = await _stream(request, part, stop=max(stop, part.start), on_sent=on_sent)
    await asyncio.sleep(_SETTLE_S)
    reset(request)
    return response


async def _send_altered(request: web.Request, part: _Part, fault: Fault, on_sent: OnSent) -> web.StreamResponse:
    """Send other bytes than the file's, with a matching length."""
    body = part.content.read(part.start, part.stop)
    if fault.kind is Damage.SHORT:
        body = body[: len(body) // 2]
    elif fault.kind is Damage.LONG:
        body += _SURPLUS
    elif body:
        middle = len(body) // 2
        body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    damaged = replace(part, content=InMemory(body), start=0, stop=len(body))
    return await _stream(request, damaged, on_sent=on_sent)


async def _send_stalled(request: web.Request, part: _Part, fault: Fault, on_sent: OnSent) -> web.StreamResponse:
    """Send half, pause, then send the rest."""
    middle = part.start + part.size_bytes // 2
    response = await _stream(request, part, stop=middle, on_sent=on_sent)
    await asyncio.sleep(fault.seconds)
    await _write(response, part, middle, part.stop, on_sent)
    return response


async def _send_trickled(request: web.Request, part: _Part, fault: Fault, on_sent: OnSent) -> web.StreamResponse:
    """Send one byte at a time."""
    response = await _start(request, part)
    for offset in range(part.start, part.stop):
        await response.write(part.content.read(offset, offset + 1))
        on_sent(1)
        await asyncio.sleep(fault.seconds)
    return response


_DAMAGED = {
    Damage.RESET_HALF_WAY: _send_cut,
    Damage.RESET_AT_END: _send_cut,
    Damage.SHORT: _send_altered,
    Damage.LONG: _send_altered,
    Damage.FLIPPED_BIT: _send_altered,
    Damage.STALL: _send_stalled,
    Damage.TRICKLE: _send_trickled,
}


def reset(request: web.Request) -> None:
    """End the connection with RST instead of an orderly close."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # SO_LINGER of 0: the kernel discards its buffer and sends RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
