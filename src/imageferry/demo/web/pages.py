"""The public pages over HTTP: folders, downloads and their confirmation."""

from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from aiohttp import hdrs, web

from imageferry.demo import response_bodies
from imageferry.demo.drive.access import Caller, public_caller
from imageferry.demo.drive.error_responses import DriveApiError
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.middleware import DriveMiddleware, OverrideResponseError
from imageferry.demo.operations import Operation
from imageferry.demo.web import markup


class PublicPages:
    """Behaves like `drive.google.com`, `drive.usercontent.google.com` and `docs.google.com` without an account.

    Files larger than `scan_bytes_max` are not scanned for viruses: a page asks to confirm their download.
    """

    def __init__(self, middleware: DriveMiddleware, *, scan_bytes_max: int) -> None:
        self._middleware = middleware
        self._tree = middleware.tree
        self._scan_bytes_max = scan_bytes_max

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
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
        """Show a folder with all its entries."""
        node_id = _id(request)
        await self._begin_call(request, Operation.WEB_FOLDER, node_id)
        caller = public_caller(request)
        folder = self._find(caller, node_id)
        if not folder.is_folder:
            return _html(markup.NOT_FOUND_PAGE, status=404)
        children = (node for node in self._tree.children(folder) if not node.trashed and caller.can_list(node))
        return _html(markup.folder_page(folder, children))

    async def uc(self, request: web.Request) -> web.Response:
        """Redirect to the download."""
        node = self._find(public_caller(request), _id(request))
        if node.content is None:
            # Google fails here for its own documents, and clients rely on it.
            return _html(markup.SERVER_ERROR_PAGE, status=500)
        query = {**request.query, "export": "download"}
        return _redirect(f"/download?{urlencode(query)}", status=303)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Send a file's bytes, or the confirmation page."""
        node_id = _id(request)
        needs_confirmation = self._is_unscanned(self._tree.get(node_id)) and request.query.get("confirm") != "t"
        operation = Operation.WEB_CONFIRM if needs_confirmation else Operation.WEB_DOWNLOAD
        fault = await self._begin_call(request, operation, node_id)
        node = self._find(public_caller(request), node_id)
        if node.content is None:
            return _html(markup.NOT_FOUND_PAGE, status=404)
        if not node.downloadable:
            return _html(markup.SIGN_IN_PAGE, status=403)
        if needs_confirmation:
            return _html(_scan_warning(request, node))
        headers: dict[str, str] = {
            hdrs.CONTENT_DISPOSITION: response_bodies.attachment(node.name),
            hdrs.CONTENT_TYPE: "application/octet-stream",
        }
        return await self._middleware.send(request, node, fault=fault, headers=headers)

    async def open(self, request: web.Request) -> web.Response:
        """Redirect to the viewer."""
        node = self._find(public_caller(request), _id(request))
        return _redirect(markup.link(node))

    async def viewer(self, request: web.Request) -> web.Response:
        """Show the viewer's page of a file or document."""
        node = self._find(public_caller(request), _id(request))
        return _html(markup.page(f"{node.name} - Google Drive", ""))

    async def export(self, request: web.Request) -> web.Response:
        """Export a Google document; here its name."""
        node = self._find(public_caller(request), _id(request))
        suffix = request.query.get("format", "docx")
        headers = {hdrs.CONTENT_DISPOSITION: response_bodies.attachment(f"{node.name}.{suffix}")}
        return web.Response(body=node.name.encode(), headers=headers)

    async def sign_in(self, _: web.Request) -> web.Response:
        """Show the sign-in page, the target of redirects from private entries."""
        return _html(markup.SIGN_IN_PAGE)

    async def _begin_call(self, request: web.Request, operation: Operation, node_id: str) -> Fault | None:
        """Begin a call; its errors are HTML pages."""
        try:
            return await self._middleware.begin_call(request, operation, self._tree.get(node_id))
        except DriveApiError as error:
            status, text = markup.error_page(error.kind)
            raise OverrideResponseError(_html(text, status=status)) from error

    def _is_unscanned(self, node: Node | None) -> bool:
        return node is not None and node.content is not None and node.content.size_bytes > self._scan_bytes_max

    def _find(self, caller: Caller, node_id: str) -> Node:
        """Return a node. Raises OverrideResponseError with an error page."""
        node = self._tree.get(node_id)
        if node is None or node.trashed or (node.needs_resource_key and not caller.can_access(node)):
            raise OverrideResponseError(_html(markup.NOT_FOUND_PAGE, status=404))
        if node.sharing is not Sharing.LINK:
            raise OverrideResponseError(_redirect("/ServiceLogin"))
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
