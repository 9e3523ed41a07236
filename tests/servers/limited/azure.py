"""A fake Azure Blob Storage on loopback whose shared access signature permits little. Answers are Azure's own words."""

from aiohttp import web

from tests.servers.http_servers import LoopbackServer

CONTAINER = "pictures"
ACCOUNT = "account"
NOT_PERMITTED = "This request is not authorized to perform this operation using this permission."
_BOUNDARY = "batchresponse_66925647-d0cb-4109-b6d3-28efe3e1e5ed"


class LimitedAzure(LoopbackServer):
    """`async with LimitedAzure("cw") as azure: ... azure.connection_string`; blobs by name.

    `permissions` are the letters of the signature: read, write, create, delete, list.
    """

    def __init__(self, permissions: str) -> None:
        super().__init__()
        self.blobs: dict[str, bytes] = {}
        self.blocks: dict[tuple[str, str], bytes] = {}  # uncommitted ones: Azure forgets them after a week
        self._permissions = permissions

    @property
    def connection_string(self) -> str:
        """As the portal shows it."""
        signature = f"sp={self._permissions}&sig=any"
        return f"AccountName={ACCOUNT};BlobEndpoint={self.url}/{ACCOUNT};SharedAccessSignature={signature}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """See LoopbackServer."""
        router.add_route("*", f"/{ACCOUNT}/{CONTAINER}", self._handle_container)
        router.add_route("*", f"/{ACCOUNT}/{CONTAINER}/{{name:.*}}", self._handle_blob)

    async def _handle_container(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            return self._delete_many(await request.text())
        if "l" not in self._permissions:
            return _error(403, "AuthorizationPermissionMismatch", NOT_PERMITTED)
        return web.Response(text="<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>")

    async def _handle_blob(self, request: web.Request) -> web.Response:
        name, part, body = request.match_info["name"], request.query.get("comp"), await request.read()
        needed = "r" if request.method in {"GET", "HEAD"} else "w"
        may_create = "c" in self._permissions and part != "block"
        if needed not in self._permissions and not (needed == "w" and may_create and name not in self.blobs):
            if needed == "w" and may_create:
                message = "This request is not authorized to perform blob overwrites."
                return _error(403, "UnauthorizedBlobOverwrite", message)
            return _error(403, "AuthorizationPermissionMismatch", NOT_PERMITTED)
        headers = {"ETag": '"0x8DC"', "Last-Modified": "Mon, 06 Jul 2026 10:00:00 GMT"}
        if part == "block":
            self.blocks[name, request.query["blockid"]] = body
        elif needed == "w":
            self.blobs[name] = body
        elif name not in self.blobs:
            return _error(404, "BlobNotFound", "The specified blob does not exist.")
        else:
            return web.Response(body=self.blobs[name], headers=headers)
        return web.Response(status=201, headers=headers)

    def _delete_many(self, text: str) -> web.Response:
        parts = []
        for number, line in enumerate(line for line in text.splitlines() if line.startswith("DELETE ")):
            name = line.split()[1].partition("?")[0].partition(f"/{CONTAINER}/")[2]
            outcome, code = f"403 {NOT_PERMITTED}", "x-ms-error-code: AuthorizationPermissionMismatch\r\n"
            if "d" in self._permissions:
                gone = self.blobs.pop(name, None) is None
                outcome = "404 The specified blob does not exist." if gone else "202 Accepted"
                code = "x-ms-error-code: BlobNotFound\r\n" if gone else ""
            parts.append(
                f"--{_BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n"
                f"HTTP/1.1 {outcome}\r\n{code}x-ms-version: 2023-11-03\r\n\r\n"
            )
        headers = {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}"}
        return web.Response(status=202, headers=headers, body="".join((*parts, f"--{_BOUNDARY}--\r\n")).encode())


def _error(status: int, code: str, message: str) -> web.Response:
    body = (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}\n'
        "RequestId:5e4c1f7f-401e-0038\nTime:2026-07-06T10:00:00.0000000Z</Message></Error>"
    )
    return web.Response(status=status, headers={"x-ms-error-code": code}, text=body, content_type="application/xml")
