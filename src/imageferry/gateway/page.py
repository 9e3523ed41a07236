"""The page for people: paste a link, watch the import, see the pictures."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

# The page needs nothing but what this gateway serves.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_STATIC = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    """The page itself."""
    return FileResponse(_STATIC / "page.html", headers={"Content-Security-Policy": POLICY})


@router.get("/page.css")
async def style() -> FileResponse:
    """How it looks."""
    return FileResponse(_STATIC / "page.css")


@router.get("/page.js")
async def script() -> FileResponse:
    """What it does."""
    return FileResponse(_STATIC / "page.js")
