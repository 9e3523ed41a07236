"""A fake S3 server that demands or refuses what some buckets and compatible servers do."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5, sha256

from aiohttp import web

from tests.servers.s3 import FakeS3, S3Operation, error_response, operation_of

# What Amazon's S3 takes only where an object is written.
_OF_WRITES = ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-storage-class")


class StrictS3(FakeS3):
    """As FakeS3, but refuses `x-amz-` headers that are not signed, and digests that are wrong.

    `demands`: headers that each new object must have. `has_object_lock`: objects and parts must have a digest.
    `bulk_delete_refusal`: the status and code with which calls that delete many objects are refused. `deletions`
    counts the calls that delete: bulk ones are "POST", single ones "DELETE". `credentials` are the access keys of all
    requests, with their session tokens.
    """

    def __init__(
        self,
        *,
        demands: Mapping[str, str] | None = None,
        has_object_lock: bool = False,
        bulk_delete_refusal: tuple[int, str] | None = None,
    ) -> None:
        super().__init__()
        self.deletions: list[str] = []
        self.presigned: list[S3Operation] = []
        self.credentials: set[tuple[str, str | None]] = set()
        self._demands = demands or {}
        self._has_object_lock = has_object_lock
        self._bulk_delete_refusal = bulk_delete_refusal

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        operation = operation_of(request)
        if operation is S3Operation.DELETE:
            self.deletions.append(request.method)
        if refusal := self._refusal(request, operation, await request.read()):
            return refusal
        if "X-Amz-Signature" in request.query:
            self.presigned.append(operation)
        credential = request.query.get("X-Amz-Credential") or request.headers["Authorization"].partition("=")[2]
        token = request.query.get("X-Amz-Security-Token") or request.headers.get("x-amz-security-token")
        self.credentials.add((credential.partition("/")[0], token))
        return await super()._handle(request)

    def _refusal(self, request: web.Request, operation: S3Operation, body: bytes) -> web.Response | None:
        given = {name.lower(): value for name, value in request.headers.items()}
        signed = request.query.get("X-Amz-SignedHeaders") or given["authorization"].partition("SignedHeaders=")[2]
        if unsigned := {name for name in given if name.startswith("x-amz-")}.difference(
            signed.partition(",")[0].split(";")
        ):
            return error_response(403, "AccessDenied", f"Headers which were not signed: {unsigned}")
        digests = {
            "content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode(),
            "x-amz-checksum-sha256": b64encode(sha256(body).digest()).decode(),
        }
        if any(given.get(name, digest) != digest for name, digest in digests.items()):
            return error_response(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        has_digest = "content-md5" in given or any(name.startswith("x-amz-checksum-") for name in given)
        if operation in (S3Operation.PUT, S3Operation.PART) and self._has_object_lock and not has_digest:
            message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock"
            return error_response(400, "InvalidRequest", message)
        if operation in (S3Operation.PUT, S3Operation.CREATE):
            if any(given.get(name) != value for name, value in self._demands.items()):
                message = (
                    "User is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy"
                )
                return error_response(403, "AccessDenied", message)
        elif operation in (S3Operation.GET, S3Operation.HEAD) and not given.keys().isdisjoint(_OF_WRITES):
            return error_response(400, "InvalidArgument", "The header is not supported for this operation.")
        return None

    async def _delete_many(self, request: web.Request) -> web.Response:
        self.deletions.append(request.method)
        if self._bulk_delete_refusal is not None:
            status, code = self._bulk_delete_refusal
            return error_response(status, code, "This server does not do that.")
        return await super()._delete_many(request)
