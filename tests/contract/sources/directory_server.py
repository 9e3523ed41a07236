"""A server on loopback with directory listings in nginx's JSON format."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.servers.http_servers import serve_http

MTIME = "Wed, 01 May 2024 10:30:00 GMT"


@asynccontextmanager
async def serve_directory(files: dict[str, bytes], *, folders: tuple[str, ...] = ()) -> AsyncIterator[str]:
    """Serve files by path, and `folders` (paths that end in a slash) even if they are empty; yield the URL."""

    def list_folder(path: str) -> web.Response:
        below = [each.removeprefix(path) for each in (*files, *folders) if each.startswith(path) and each != path]
        directories = sorted({each.partition("/")[0] for each in below if "/" in each})
        listing: list[dict[str, object]] = [{"name": name, "type": "directory", "mtime": MTIME} for name in directories]
        names = sorted(each for each in below if "/" not in each)
        listing += [{"name": name, "type": "file", "mtime": MTIME, "size": len(files[path + name])} for name in names]
        return web.json_response(listing)

    async def handle(request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.endswith("/") and (path in folders or any(each.startswith(path) for each in files)):
            return list_folder(path)
        if path not in files:
            raise web.HTTPNotFound
        span = request.http_range
        content = files[path][span]
        headers = {"Last-Modified": MTIME}
        if request.method == "HEAD":
            headers["Content-Length"] = str(len(content))
            return web.Response(headers=headers)
        return web.Response(body=content, headers=headers, status=200 if span.start is None else 206)

    async with serve_http(handle) as url:
        yield url
