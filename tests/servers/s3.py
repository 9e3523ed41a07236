"""A fake S3 server on loopback that keeps objects in memory and injects faults."""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from hashlib import md5
from itertools import count
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web

from imageferry.demo.response_bodies import reset
from tests.servers.http_servers import LoopbackServer

BUCKET = "pictures"
REGION = "us-east-1"
CHECK_PREFIX = ".imageferry-check"


class S3Operation(StrEnum):
    """The supported operations."""

    PUT = "put"
    GET = "get"
    HEAD = "head"
    DELETE = "delete"
    CREATE = "create"  # create a multipart upload
    PART = "part"
    COMPLETE = "complete"
    ABORT = "abort"


class S3Fault(StrEnum):
    """What can go wrong with an operation."""

    SLOW_DOWN = "slow_down"  # 503
    DENIED = "denied"  # 403
    FULL = "full"  # 507
    RESET = "reset"  # the connection is reset before anything is stored
    LOST_RESPONSE = "lost_response"  # stored, but no response is sent
    DAMAGED = "damaged"  # other bytes are stored, and the ETag matches them


# The permission that each operation needs.
_PERMISSIONS = {
    S3Operation.GET: "s3:GetObject",
    S3Operation.HEAD: "s3:GetObject",
    S3Operation.DELETE: "s3:DeleteObject",
    S3Operation.ABORT: "s3:AbortMultipartUpload",
}
_ERRORS = {
    S3Fault.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
    S3Fault.DENIED: (403, "AccessDenied", "Access Denied"),
    S3Fault.FULL: (507, "InsufficientStorage", "There is no space left."),
}


@dataclass(slots=True, kw_only=True)
class _FaultRule:
    fault: S3Fault
    on: S3Operation
    after: int  # so many operations succeed first
    times: int | None  # None: always

    def applies_to(self, operation: S3Operation) -> bool:
        if operation is not self.on:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            if not self.times:
                return False
            self.times -= 1
        return True


class FakeS3(LoopbackServer):
    """`async with FakeS3() as s3: ... s3.settings`; objects by key, open multipart uploads by ID.

    `opaque_e_tags`: ETags are not MD5s, as in a bucket encrypted with KMS. `denied`: permissions that the credentials
    lack; `names_denied`: refusals name them, as Amazon's do and others' don't. The object of `Store.check` is neither
    counted nor affected by faults.
    """

    def __init__(
        self,
        *,
        bucket: str | None = BUCKET,
        opaque_e_tags: bool = False,
        denied: Collection[str] = (),
        names_denied: bool = False,
    ) -> None:
        super().__init__()
        self.denied = set(denied)
        self.answer: tuple[int, dict[str, str], str] | None = None  # to every request: status, headers, body
        self._names_denied = names_denied
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.operations: Counter[S3Operation] = Counter()
        self._bucket = bucket  # None: there is no bucket
        self._opaque_e_tags = opaque_e_tags
        self._rules: list[_FaultRule] = []
        self._ids = count(1)
        self._closing = asyncio.Event()

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that make imageferry use this server."""
        return {
            "store_url": f"s3://{BUCKET}",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_region": REGION,
            "aws_endpoint_url": self.url,
        }

    def stored_objects(self) -> dict[str, bytes]:
        """Return every object by its key."""
        return dict(self.objects)

    def add_fault(self, fault: S3Fault, *, on: S3Operation, after: int = 0, times: int | None = None) -> None:
        """Inject a fault from the next operation on: after `after` operations, at most `times` times."""
        self._rules.append(_FaultRule(fault=fault, on=on, after=after, times=times))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._rules.clear()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """See LoopbackServer."""
        router.add_route("*", f"/{BUCKET}/{{key:.*}}", self._handle)
        router.add_post(f"/{BUCKET}", self._delete_many)
        router.add_get(f"/{BUCKET}", self._list)

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await super().__aexit__()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        body = await request.read()
        if self.answer is not None:
            return self._verbatim(request)
        if self._bucket is None:
            return error_response(404, "NoSuchBucket", "The specified bucket does not exist")
        if request.method == "POST" and "delete" in request.query:
            return await self._delete_many(request)
        operation = operation_of(request)
        needed = _PERMISSIONS.get(operation, "s3:PutObject")
        if needed in self.denied:
            return self._denial(needed)
        if key.startswith(CHECK_PREFIX):
            return self._store(operation, key, body, request)
        self.operations[operation] += 1
        fault = next((rule.fault for rule in self._rules if rule.applies_to(operation)), None)
        if fault in _ERRORS:
            return error_response(*_ERRORS[fault])
        if fault is S3Fault.RESET:
            reset(request)
            return web.Response()
        if fault is S3Fault.DAMAGED:
            body = body[:-1] + bytes([body[-1] ^ 1])
        response = self._store(operation, key, body, request)
        if fault is S3Fault.LOST_RESPONSE:
            await self._closing.wait()
        return response

    def _store(self, operation: S3Operation, key: str, body: bytes, request: web.Request) -> web.Response:
        match operation:
            case S3Operation.PUT:
                self.objects[key] = body
                return web.Response(headers={"ETag": self._e_tag(body)})
            case S3Operation.GET | S3Operation.HEAD:
                return self._read(key, request)
            case S3Operation.DELETE:
                self.objects.pop(key, None)
                return web.Response(status=204)
            case S3Operation.CREATE:
                upload_id = f"upload-{next(self._ids)}"
                self.uploads[upload_id] = {}
                return _xml("InitiateMultipartUploadResult", Bucket=BUCKET, Key=key, UploadId=upload_id)
            case _:
                return self._multipart(operation, key, body, request)

    def _multipart(self, operation: S3Operation, key: str, body: bytes, request: web.Request) -> web.Response:
        upload_id = request.query["uploadId"]
        if upload_id not in self.uploads:
            return error_response(404, "NoSuchUpload", "The specified upload does not exist.")
        if operation is S3Operation.PART:
            self.uploads[upload_id][int(request.query["partNumber"])] = body
            return web.Response(headers={"ETag": self._e_tag(body)})
        parts = [part for _, part in sorted(self.uploads.pop(upload_id).items())]
        if operation is S3Operation.ABORT:
            return web.Response(status=204)
        self.objects[key] = b"".join(parts)
        digests = b"".join(md5(part, usedforsecurity=False).digest() for part in parts)
        e_tag = self._e_tag(digests).strip('"')
        return _xml("CompleteMultipartUploadResult", Bucket=BUCKET, Key=key, ETag=f'"{e_tag}-{len(parts)}"')

    def _read(self, key: str, request: web.Request) -> web.Response:
        data = self.objects.get(key)
        if data is None:
            if "s3:ListBucket" in self.denied:
                return self._denial("s3:ListBucket")
            return error_response(404, "NoSuchKey", "The specified key does not exist.")
        headers = {"ETag": self._e_tag(data), "Last-Modified": "Mon, 06 Jul 2026 10:00:00 GMT"}
        span = request.http_range
        if span.start is None:
            return web.Response(body=data, headers=headers)
        start, stop, _ = span.indices(len(data))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:stop], headers=headers)

    def _verbatim(self, request: web.Request) -> web.Response:
        assert self.answer is not None
        status, headers, body = self.answer
        return web.Response(status=status, headers=headers, text="" if request.method == "HEAD" else body)

    async def _list(self, _: web.Request) -> web.Response:
        if "s3:ListBucket" in self.denied:
            return self._denial("s3:ListBucket")
        return _xml("ListBucketResult", Name=BUCKET, KeyCount="0", IsTruncated="false")

    def _denial(self, needed: str) -> web.Response:
        because = f"because no identity-based policy allows the {needed} action"
        message = f'User: arn:aws:iam::1:user/ferry is not authorized to perform: {needed} on resource: "x" {because}'
        return error_response(403, "AccessDenied", message if self._names_denied else "Access Denied")

    async def _delete_many(self, request: web.Request) -> web.Response:
        if self.answer is not None:
            return self._verbatim(request)
        body = ET.fromstring(await request.read())  # noqa: S314 - our own client wrote it
        keys = [node.text or "" for node in body.iter() if node.tag.endswith("Key")]
        result = ET.Element("DeleteResult")
        for key in keys:
            if "s3:DeleteObject" in self.denied:
                error = ET.SubElement(result, "Error")
                for tag, text in (("Key", key), ("Code", "AccessDenied"), ("Message", "Access Denied")):
                    ET.SubElement(error, tag).text = text
                continue
            self.objects.pop(key, None)
            ET.SubElement(ET.SubElement(result, "Deleted"), "Key").text = key
        return _xml_response(result)

    def _e_tag(self, data: bytes) -> str:
        salt = b"KMS" if self._opaque_e_tags else b""
        return f'"{md5(salt + data, usedforsecurity=False).hexdigest()}"'


def operation_of(request: web.Request) -> S3Operation:
    """Return what a request asks for."""
    match request.method, "uploads" in request.query, "uploadId" in request.query:
        case "POST", True, _:
            return S3Operation.CREATE
        case "POST", _, True:
            return S3Operation.COMPLETE
        case "PUT", _, True:
            return S3Operation.PART
        case "DELETE", _, True:
            return S3Operation.ABORT
        case method, _, _:
            return S3Operation(method.lower())


def error_response(status: int, code: str, message: str) -> web.Response:
    """Return a response as S3 reports an error."""
    response = _xml("Error", Code=code, Message=message)
    response.set_status(status)
    return response


def _xml(name: str, **texts: str) -> web.Response:
    root = ET.Element(name)
    for tag, text in texts.items():
        ET.SubElement(root, tag).text = text
    return _xml_response(root)


def _xml_response(root: ET.Element) -> web.Response:
    return web.Response(body=ET.tostring(root, xml_declaration=True), content_type="application/xml")
