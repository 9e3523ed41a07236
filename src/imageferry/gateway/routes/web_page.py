"""The page for people: what web/ is built into, at every address that is a view of it."""

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

# The page needs nothing but what this gateway serves, and writes neither scripts nor styles into itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
STATIC = Path(__file__).parents[1] / "static"
# The name of what lies here changes with its content.
ASSETS = STATIC / "assets"
FOREVER = "public, max-age=31536000, immutable"
# A new version of the page is seen by whoever loads it again.
FRESH = "no-cache"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>imageferry</title>
<p>This imageferry was installed without its page. In its folder, <code>make web</code> builds it;
the HTTP interface is at <a href="/docs">/docs</a>.</p></html>"""

VIEWS = ("/import", "/jobs", "/gallery")
PATHS = frozenset({"/", "/icon.svg", "/first.js", *VIEWS})
# Below /import the older systems' clients have addresses of theirs.
FOLDERS = ("/assets/", "/jobs/", "/gallery/")

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/import")
@router.get("/jobs")
@router.get("/jobs/{view:path}")
@router.get("/gallery")
@router.get("/gallery/{view:path}")
async def shown() -> Response:
    """The page itself, which knows from its address what to show."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": FRESH}
    index = STATIC / "index.html"
    return FileResponse(index, headers=headers) if index.is_file() else HTMLResponse(NOT_BUILT, headers=headers)


@router.get("/assets/{name}")
async def asset(name: str, request: Request) -> FileResponse:
    """A part of the page, packed as it was built for whoever takes it so."""
    whole = _file(ASSETS, name, cache=FOREVER)
    whole.headers["Vary"] = "Accept-Encoding"
    packed = ASSETS / f"{name}.gz"
    if "gzip" not in request.headers.get("Accept-Encoding", "") or not packed.is_file():
        return whole
    headers = {**whole.headers, "Content-Encoding": "gzip"}
    return FileResponse(packed, headers=headers, media_type=whole.media_type)


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """The page's mark."""
    return _file(STATIC, "icon.svg", cache=FRESH)


@router.get("/first.js")
async def first() -> FileResponse:
    """What is done before the page is painted."""
    return _file(STATIC, "first.js", cache=FRESH)


def is_open(path: str) -> bool:
    """Shown to everybody, also where a token is set: there is nothing of anybody's in it."""
    return path in PATHS or path.startswith(FOLDERS)


def _file(folder: Path, name: str, *, cache: str) -> FileResponse:
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise HTTPException(404, "The page has no such part.")
    return FileResponse(path, headers={"Cache-Control": cache})
