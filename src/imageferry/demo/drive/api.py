"""The read-only methods of Drive v3 over HTTP."""

import asyncio
import secrets
from collections.abc import Set as AbstractSet

import msgspec
from aiohttp import web
from msgspec.structs import replace

from imageferry.demo.drive import masks, page_tokens, parameters, queries
from imageferry.demo.drive.access import Caller
from imageferry.demo.drive.error_responses import DriveApiError, ErrorKind
from imageferry.demo.drive.listing import EntryPosition, apply_damage, list_page
from imageferry.demo.drive.resources import renderer
from imageferry.demo.drive.schema import FILE_DEFAULT, FILE_SCHEMA, LIST_DEFAULT, LIST_SCHEMA
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage
from imageferry.demo.file_content import OnDisk
from imageferry.demo.middleware import DriveMiddleware
from imageferry.demo.operations import Operation

_PAGE_SIZE_DEFAULT = 100
_PAGE_SIZE_MAX = 1000
_START: EntryPosition = (0, 0)


class DriveApi:
    """Behaves like `www.googleapis.com/drive/v3`, with the contents of a tree."""

    def __init__(self, middleware: DriveMiddleware) -> None:
        self._middleware = middleware
        self._tree = middleware.tree
        self._secret = secrets.token_bytes(32)  # of the page tokens

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/drive/v3/files", self.files_list),
            web.get("/drive/v3/files/{id}", self.files_get),
            web.get("/drive/v3/files/{id}/export", self.files_export),
            web.get("/drive/v3/about", self.about_get),
            web.get("/drive/v3/drives", self.drives_list),
            web.get("/drive/v3/drives/{id}", self.drives_get),
        ]

    async def files_list(self, request: web.Request) -> web.Response:
        """Return a page of a search."""
        token = request.query.get("pageToken", "")
        q = request.query.get("q", "")
        query = _query(q, root_id=self._tree.home.id)
        folder = self._tree.get(query.parents[0]) if query.parents else None
        fault = await self._middleware.begin_call(request, Operation.PAGE if token else Operation.LIST, folder)
        caller = self._caller(request, parameters.FILES_LIST)
        if not _is_true(request, "includeItemsFromAllDrives", "includeTeamDriveItems"):
            caller = replace(caller, all_drives=False)
        mask = _mask(request, schema=LIST_SCHEMA, default=LIST_DEFAULT)
        if query.parents and len(query.parents) == 1 and (folder is None or not caller.can_access(folder)):
            # Drive omits the ID here.
            raise DriveApiError(ErrorKind.NOT_FOUND)
        listing = f"{q}\n{caller.account}\n{caller.all_drives}"
        start = self._start_position(token, listing=listing)
        page = list_page(query, tree=self._tree, caller=caller, start=start, size=_page_size(request))
        if fault is not None and isinstance(fault.kind, Damage):
            page = apply_damage(page, fault.kind, start=start)
        body: dict[str, object] = {"kind": "drive#fileList", "incompleteSearch": not page.is_complete}
        if page.next_position is not None:
            body["nextPageToken"] = page_tokens.create(page.next_position, listing=listing, secret=self._secret)
        body["files"] = await _render(page.nodes, masks.below(mask, "files"))
        return _json({name: part for name, part in body.items() if masks.includes(mask, name)})

    async def files_get(self, request: web.Request) -> web.StreamResponse:
        """Return a file's metadata, or with `alt=media` its bytes."""
        if request.query.get("alt") == "media":
            return await self._media(request)
        node_id = request.match_info["id"]
        await self._middleware.begin_call(request, Operation.GET, self._tree.get(node_id))
        caller = self._caller(request, parameters.FILES_GET)
        mask = _mask(request, schema=FILE_SCHEMA, default=FILE_DEFAULT)
        node = caller.find(self._tree, node_id)
        return _json((await _render([node], mask))[0])

    async def _media(self, request: web.Request) -> web.StreamResponse:
        node_id = request.match_info["id"]
        fault = await self._middleware.begin_call(request, Operation.MEDIA, self._tree.get(node_id))
        node = self._caller(request, parameters.FILES_GET).find(self._tree, node_id)
        if not node.downloadable:
            raise DriveApiError(ErrorKind.CANNOT_DOWNLOAD)
        return await self._middleware.send(request, node, fault=fault)

    async def files_export(self, request: web.Request) -> web.Response:
        """Export a Google document; here its name."""
        node_id = request.match_info["id"]
        await self._middleware.begin_call(request, Operation.OTHER, self._tree.get(node_id))
        node = self._caller(request, parameters.FILES_EXPORT).find(self._tree, node_id)
        if not node.is_native:
            raise DriveApiError(ErrorKind.BAD_VALUE, subject="mimeType")
        return web.Response(body=node.name.encode(), content_type=request.query.get("mimeType", "text/plain"))

    async def about_get(self, request: web.Request) -> web.Response:
        """Return the caller and the export formats."""
        await self._middleware.begin_call(request, Operation.OTHER)
        caller = self._caller(request, parameters.ABOUT_GET)
        if "fields" not in request.query:
            raise DriveApiError(ErrorKind.FIELDS_REQUIRED)
        return _partial(request, _about(caller))

    async def drives_list(self, request: web.Request) -> web.Response:
        """Return all shared drives on one page."""
        await self._middleware.begin_call(request, Operation.OTHER)
        caller = self._caller(request, parameters.DRIVES_LIST)
        drives = [
            _drive(node)
            for node in map(self._tree.get, self._tree.folder_ids())
            if node and node.id == node.drive_id and caller.account
        ]
        return _partial(request, {"kind": "drive#driveList", "drives": drives})

    async def drives_get(self, request: web.Request) -> web.Response:
        """Return a shared drive."""
        await self._middleware.begin_call(request, Operation.OTHER)
        caller = replace(self._caller(request, parameters.DRIVES_GET), all_drives=True)
        node = caller.find(self._tree, request.match_info["id"])
        return _partial(request, _drive(node))

    def _caller(self, request: web.Request, allowed: AbstractSet[str]) -> Caller:
        caller = self._middleware.credentials.caller(request)
        for name in request.query:
            if name not in allowed:
                raise DriveApiError(ErrorKind.UNKNOWN_PARAMETER, subject=name)
        return caller

    def _start_position(self, token: str, *, listing: str) -> EntryPosition:
        if not token:
            return _START
        try:
            return page_tokens.verify(token, listing=listing, secret=self._secret)
        except ValueError as error:
            raise DriveApiError(ErrorKind.BAD_PAGE) from error


def _is_true(request: web.Request, *names: str) -> bool:
    return any(request.query.get(name) == "true" for name in names)


def _query(q: str, *, root_id: str) -> queries.Query:
    try:
        return queries.parse(q, root_id=root_id)
    except queries.QueryError as error:
        raise DriveApiError(ErrorKind.BAD_VALUE, subject="q") from error


def _mask(request: web.Request, *, schema: masks.Schema, default: masks.Mask) -> masks.Mask:
    fields = request.query.get("fields")
    if not fields:
        return default
    try:
        return masks.parse(fields, schema=schema)
    except masks.MaskError as error:
        raise DriveApiError(ErrorKind.BAD_FIELDS, subject=str(error)) from error


def _page_size(request: web.Request) -> int:
    text = request.query.get("pageSize")
    if text is None:
        return _PAGE_SIZE_DEFAULT
    if not text.isdecimal():
        raise DriveApiError(ErrorKind.BAD_NUMBER, subject=text)
    if not 1 <= int(text) <= _PAGE_SIZE_MAX:
        raise DriveApiError(ErrorKind.BAD_PAGE_SIZE, subject=text)
    return int(text)


async def _render(nodes: list[Node], mask: masks.Mask) -> list[dict[str, object]]:
    render = renderer(mask)
    if any(isinstance(node.content, OnDisk) for node in nodes):
        # The first digest of a file on disk takes a while.
        return await asyncio.to_thread(lambda: [render(node) for node in nodes])
    return [render(node) for node in nodes]


def _about(caller: Caller) -> dict[str, object]:
    return {
        "kind": "drive#about",
        "user": {
            "kind": "drive#user",
            "displayName": caller.account or "",
            "emailAddress": caller.account or "",
            "me": True,
        },
        "storageQuota": {"limit": "16106127360", "usage": "0", "usageInDrive": "0", "usageInDriveTrash": "0"},
        "exportFormats": {"application/vnd.google-apps.document": ["text/plain"]},
        "importFormats": {},
    }


def _drive(node: Node) -> dict[str, object]:
    return {"kind": "drive#drive", "id": node.id, "name": node.name}


def _partial(request: web.Request, body: dict[str, object]) -> web.Response:
    """Return a body without a schema: complete, unless the request has a mask."""
    return _json(masks.project(body, _mask(request, schema=masks.EVERYTHING, default=masks.EVERYTHING)))


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
