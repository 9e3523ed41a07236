"""The reference: the OpenAPI document for people, with nothing from elsewhere on the page."""

from importlib.resources import as_file, files
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

# Swagger UI draws its icons as data, and writes neither scripts nor styles into the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PARTS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>imageferry: the HTTP interface</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/begin.js"></script>
</html>
"""
BEGIN = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null});\n'

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def reference() -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/begin.js")
async def begin() -> Response:
    """What lets the page begin."""
    return Response(BEGIN, media_type="text/javascript")


@router.get("/docs/{name}")
async def part(name: str) -> FileResponse:
    """A part of Swagger UI, as the package fastapi-offline brings it."""
    if name not in PARTS:
        raise HTTPException(404, "The page has no such part.")
    with as_file(files("fastapi_offline") / "static" / name) as path:
        return FileResponse(Path(path), media_type=PARTS[name], headers={"Cache-Control": "no-cache"})
