"""The public pages over HTTP: folders, downloads and what stands before them."""

from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from aiohttp import hdrs, web

from imageferry.demo import response_bodies
from imageferry.demo.drive.access import Caller, web_visitor
from imageferry.demo.drive.refusals import RefusedError
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.middleware import DivertedError, FrontDesk
from imageferry.demo.operations import Operation
from imageferry.demo.web import markup


class PublicPages:
    """Answers like `drive.google.com`, `drive.usercontent.google.com` and `docs.google.com` to strangers.

    Files above `scan_bytes_max` are not scanned for viruses: a page asks to confirm their download.
    """

    def __init__(self, desk: FrontDesk, *, scan_bytes_max: int) -> None:
        self._desk = desk
        self._tree = desk.tree
        self._scan_bytes_max = scan_bytes_max

    def routes(self) -> list[web.RouteDef]:
        """Where the pages are."""
        return [
            web.get("/embeddedfolderview", self.folder),
            web.get("/drive/folders/{id}", self.folder),
            web.get("/uc", self.uc),
            web.get("/download", self.download),
            web.get("/open", self.open),
            web.get("/file/d/{id}/view", self.viewer),
            web.get("/document/d/{id}/edit", self.viewer),
            web.get("/document/d/{id}/export", self.export),
            web.get("/ServiceLogin", self.sign_in),
        ]

    async def folder(self, request: web.Request) -> web.Response:
        """All that is in a folder, on one page."""
        node_id = _id(request)
        await self._admit(request, Operation.WEB_FOLDER, node_id)
        visitor = web_visitor(request)
        folder = self._seen(visitor, node_id)
        if not folder.is_folder:
            return _html(markup.NOT_FOUND_PAGE, status=404)
        children = (node for node in self._tree.children(folder) if not node.trashed and visitor.may_see(node))
        return _html(markup.folder_page(folder, children))

    async def uc(self, request: web.Request) -> web.Response:
        """Leads to the download."""
        node = self._seen(web_visitor(request), _id(request))
        if node.content is None:
            # For a document of its own Google fails here, and clients know it by that.
            return _html(markup.SERVER_ERROR_PAGE, status=500)
        query = {**request.query, "export": "download"}
        return _redirect(f"/download?{urlencode(query)}", status=303)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A file's bytes, or first the page that wants them confirmed."""
        node_id = _id(request)
        unconfirmed = self._is_unscanned(self._tree.get(node_id)) and request.query.get("confirm") != "t"
        operation = Operation.WEB_CONFIRM if unconfirmed else Operation.WEB_DOWNLOAD
        fault = await self._admit(request, operation, node_id)
        node = self._seen(web_visitor(request), node_id)
        if node.content is None:
            return _html(markup.NOT_FOUND_PAGE, status=404)
        if not node.downloadable:
            return _html(markup.SIGN_IN_PAGE, status=403)
        if unconfirmed:
            return _html(_scan_warning(request, node))
        headers: dict[str, str] = {
            hdrs.CONTENT_DISPOSITION: response_bodies.attachment(node.name),
            hdrs.CONTENT_TYPE: "application/octet-stream",
        }
        return await self._desk.send(request, node, fault=fault, headers=headers)

    async def open(self, request: web.Request) -> web.Response:
        """Leads to where a browser shows it."""
        node = self._seen(web_visitor(request), _id(request))
        return _redirect(markup.link(node))

    async def viewer(self, request: web.Request) -> web.Response:
        """Where a browser would show a file or a document."""
        node = self._seen(web_visitor(request), _id(request))
        return _html(markup.page(f"{node.name} - Google Drive", ""))

    async def export(self, request: web.Request) -> web.Response:
        """A document as a file: here, its name."""
        node = self._seen(web_visitor(request), _id(request))
        suffix = request.query.get("format", "docx")
        headers = {hdrs.CONTENT_DISPOSITION: response_bodies.attachment(f"{node.name}.{suffix}")}
        return web.Response(body=node.name.encode(), headers=headers)

    async def sign_in(self, _: web.Request) -> web.Response:
        """Where strangers are sent who ask for what is not public."""
        return _html(markup.SIGN_IN_PAGE)

    async def _admit(self, request: web.Request, operation: Operation, node_id: str) -> Fault | None:
        """The pages refuse in HTML."""
        try:
            return await self._desk.admit(request, operation, self._tree.get(node_id))
        except RefusedError as refused:
            status, text = markup.refusal_page(refused.refusal)
            raise DivertedError(_html(text, status=status)) from refused

    def _is_unscanned(self, node: Node | None) -> bool:
        return node is not None and node.content is not None and node.content.size_bytes > self._scan_bytes_max

    def _seen(self, visitor: Caller, node_id: str) -> Node:
        """Raises the page that comes instead."""
        node = self._tree.get(node_id)
        if node is None or node.trashed or (node.needs_resource_key and not visitor.sees(node)):
            raise DivertedError(_html(markup.NOT_FOUND_PAGE, status=404))
        if node.sharing is not Sharing.LINK:
            raise DivertedError(_redirect("/ServiceLogin"))
        return node


def _id(request: web.Request) -> str:
    return request.match_info.get("id") or request.query.get("id", "")


def _scan_warning(request: web.Request, node: Node) -> str:
    inputs = {"id": node.id, "export": "download", "confirm": "t", "uuid": str(uuid5(NAMESPACE_URL, node.id))}
    if node.resource_key:
        inputs["resourcekey"] = node.resource_key
    return markup.scan_warning_page(node, action=f"{request.scheme}://{request.host}/download", inputs=inputs)


def _html(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


def _redirect(location: str, *, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={hdrs.LOCATION: location})
