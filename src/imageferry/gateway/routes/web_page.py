"""The web page: the files built from web/, and the page itself at the URL of each of its views."""

from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

# The page loads everything from this gateway, and has no inline scripts or styles.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
STATIC = Path(__file__).parents[1] / "static"
# The names of these files change with their content.
ASSETS = STATIC / "assets"
CACHE_FOREVER = "public, max-age=31536000, immutable"
# A reload shows a new version.
REVALIDATE = "no-cache"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>imageferry</title>
<p>This installation of imageferry has no web page. Run <code>make web</code> in its source folder to build it.
The API reference is at <a href="/docs">/docs</a>.</p></html>"""

VIEWS = ("/import", "/jobs", "/gallery")
PUBLIC_PATHS = frozenset({"/", "/icon.svg", "/first.js", *VIEWS})
# Not /import/: older systems' clients have paths below it.
PUBLIC_PREFIXES = ("/assets/", "/jobs/", "/gallery/")

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/import")
@router.get("/jobs")
@router.get("/jobs/{view:path}")
@router.get("/gallery")
@router.get("/gallery/{view:path}")
async def page() -> Response:
    """Return the page, which chooses its view by the URL."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": REVALIDATE}
    index = STATIC / "index.html"
    return FileResponse(index, headers=headers) if index.is_file() else HTMLResponse(NOT_BUILT, headers=headers)


@router.get("/assets/{name}")
async def asset(name: str, request: Request) -> FileResponse:
    """Return a file of the page, compressed when the client accepts gzip and the build has compressed the file."""
    plain = _file_response(ASSETS, name, cache_control=CACHE_FOREVER)
    plain.headers["Vary"] = "Accept-Encoding"
    compressed = ASSETS / f"{name}.gz"
    if "gzip" not in request.headers.get("Accept-Encoding", "") or not compressed.is_file():
        return plain
    headers = {**plain.headers, "Content-Encoding": "gzip"}
    return FileResponse(compressed, headers=headers, media_type=plain.media_type)


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """Return the page's icon."""
    return _file_response(STATIC, "icon.svg", cache_control=REVALIDATE)


@router.get("/first.js")
async def first_script() -> FileResponse:
    """Return the script that runs before the first paint."""
    return _file_response(STATIC, "first.js", cache_control=REVALIDATE)


def is_public(path: str) -> bool:
    """Return whether the path needs no token: the page's own files contain no user data."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)


def _file_response(folder: Path, name: str, *, cache_control: str) -> FileResponse:
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise HTTPException(404, "This file does not exist.")
    return FileResponse(path, headers={"Cache-Control": cache_control})
