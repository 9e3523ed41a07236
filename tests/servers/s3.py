"""An S3 look-alike on loopback that keeps objects in memory and misbehaves to order."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from hashlib import md5
from itertools import count
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree as ET

from aiohttp import web

from imageferry.demo.response_bodies import reset

BUCKET = "pictures"
REGION = "us-east-1"
OBJECT_BYTES_MAX = 64 << 20
CHECK_PREFIX = ".imageferry-check"


class Call(StrEnum):
    """The kinds of calls that it answers."""

    PUT = "put"
    GET = "get"
    HEAD = "head"
    DELETE = "delete"
    BEGIN = "begin"  # a multipart upload
    PART = "part"
    COMPLETE = "complete"
    ABORT = "abort"


class Trouble(StrEnum):
    """What can go wrong with a call."""

    SLOW_DOWN = "slow_down"  # 503
    DENIED = "denied"  # 403
    FULL = "full"  # 507
    RESET = "reset"  # the connection dies before anything is kept
    LOST_ANSWER = "lost_answer"  # it is kept, and no answer comes
    DAMAGED = "damaged"  # other bytes are kept, and the ETag is of those


_REFUSALS = {
    Trouble.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
    Trouble.DENIED: (403, "AccessDenied", "Access Denied"),
    Trouble.FULL: (507, "InsufficientStorage", "There is no room left."),
}


@dataclass(slots=True, kw_only=True)
class _Order:
    trouble: Trouble
    on: Call
    after: int  # calls that are let through first
    times: int | None  # None: always

    def strikes(self, call: Call) -> bool:
        if call is not self.on:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            if not self.times:
                return False
            self.times -= 1
        return True


class S3:
    """`async with S3() as s3: ... s3.settings`; objects by key, open multipart uploads by id.

    `opaque_e_tags`: they are no MD5, as in a bucket that encrypts with a key of KMS. The object that a store
    is tried out with at the beginning is neither counted nor struck.
    """

    def __init__(self, *, bucket: str | None = BUCKET, opaque_e_tags: bool = False) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.calls: Counter[Call] = Counter()
        self._bucket = bucket  # None: there is none
        self._opaque_e_tags = opaque_e_tags
        self._orders: list[_Order] = []
        self._ids = count(1)
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What leads imageferry here."""
        if self._runner is None:
            raise RuntimeError("The look-alike does not run.")
        return {
            "store_url": f"s3://{BUCKET}",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_region": REGION,
            "aws_endpoint_url": f"http://127.0.0.1:{self._runner.addresses[0][1]}",
        }

    def held(self) -> dict[str, bytes]:
        """Every object by its key."""
        return dict(self.objects)

    def goes_wrong(self, trouble: Trouble, *, on: Call, after: int = 0, times: int | None = None) -> None:
        """From the next call on."""
        self._orders.append(_Order(trouble=trouble, on=on, after=after, times=times))

    def recovers(self) -> None:
        """Nothing goes wrong any more."""
        self._orders.clear()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=OBJECT_BYTES_MAX)
        app.router.add_route("*", f"/{BUCKET}/{{key:.*}}", self._answer)
        app.router.add_post(f"/{BUCKET}", self._delete_many)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        body = await request.read()
        if self._bucket is None:
            return _refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if request.method == "POST" and "delete" in request.query:
            return await self._delete_many(request)
        call = _call(request)
        if key.startswith(CHECK_PREFIX):
            return self._kept(call, key, body, request)
        self.calls[call] += 1
        trouble = next((order.trouble for order in self._orders if order.strikes(call)), None)
        if trouble in _REFUSALS:
            return _refused(*_REFUSALS[trouble])
        if trouble is Trouble.RESET:
            reset(request)
            return web.Response()
        if trouble is Trouble.DAMAGED:
            body = body[:-1] + bytes([body[-1] ^ 1])
        response = self._kept(call, key, body, request)
        if trouble is Trouble.LOST_ANSWER:
            await self._closing.wait()
        return response

    def _kept(self, call: Call, key: str, body: bytes, request: web.Request) -> web.Response:
        match call:
            case Call.PUT:
                self.objects[key] = body
                return web.Response(headers={"ETag": self._e_tag(body)})
            case Call.GET | Call.HEAD:
                return self._read(key, request)
            case Call.DELETE:
                self.objects.pop(key, None)
                return web.Response(status=204)
            case Call.BEGIN:
                upload_id = f"upload-{next(self._ids)}"
                self.uploads[upload_id] = {}
                return _xml("InitiateMultipartUploadResult", Bucket=BUCKET, Key=key, UploadId=upload_id)
            case _:
                return self._in_parts(call, key, body, request)

    def _in_parts(self, call: Call, key: str, body: bytes, request: web.Request) -> web.Response:
        upload_id = request.query["uploadId"]
        if upload_id not in self.uploads:
            return _refused(404, "NoSuchUpload", "The specified upload does not exist.")
        if call is Call.PART:
            self.uploads[upload_id][int(request.query["partNumber"])] = body
            return web.Response(headers={"ETag": self._e_tag(body)})
        parts = [part for _, part in sorted(self.uploads.pop(upload_id).items())]
        if call is Call.ABORT:
            return web.Response(status=204)
        self.objects[key] = b"".join(parts)
        digests = b"".join(md5(part, usedforsecurity=False).digest() for part in parts)
        e_tag = self._e_tag(digests).strip('"')
        return _xml("CompleteMultipartUploadResult", Bucket=BUCKET, Key=key, ETag=f'"{e_tag}-{len(parts)}"')

    def _read(self, key: str, request: web.Request) -> web.Response:
        data = self.objects.get(key)
        if data is None:
            return _refused(404, "NoSuchKey", "The specified key does not exist.")
        headers = {"ETag": self._e_tag(data), "Last-Modified": "Mon, 06 Jul 2026 10:00:00 GMT"}
        wanted = request.http_range
        if wanted.start is None:
            return web.Response(body=data, headers=headers)
        start, stop, _ = wanted.indices(len(data))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:stop], headers=headers)

    async def _delete_many(self, request: web.Request) -> web.Response:
        asked = ET.fromstring(await request.read())  # noqa: S314 - our own client wrote it
        keys = [node.text or "" for node in asked.iter() if node.tag.endswith("Key")]
        result = ET.Element("DeleteResult")
        for key in keys:
            self.objects.pop(key, None)
            ET.SubElement(ET.SubElement(result, "Deleted"), "Key").text = key
        return _answered(result)

    def _e_tag(self, data: bytes) -> str:
        salt = b"KMS" if self._opaque_e_tags else b""
        return f'"{md5(salt + data, usedforsecurity=False).hexdigest()}"'


def _call(request: web.Request) -> Call:
    match request.method, "uploads" in request.query, "uploadId" in request.query:
        case "POST", True, _:
            return Call.BEGIN
        case "POST", _, True:
            return Call.COMPLETE
        case "PUT", _, True:
            return Call.PART
        case "DELETE", _, True:
            return Call.ABORT
        case method, _, _:
            return Call(method.lower())


def _refused(status: int, code: str, message: str) -> web.Response:
    response = _xml("Error", Code=code, Message=message)
    response.set_status(status)
    return response


def _xml(name: str, **texts: str) -> web.Response:
    root = ET.Element(name)
    for tag, text in texts.items():
        ET.SubElement(root, tag).text = text
    return _answered(root)


def _answered(root: ET.Element) -> web.Response:
    return web.Response(body=ET.tostring(root, xml_declaration=True), content_type="application/xml")
