"""The API reference at /docs: Swagger UI, served without external resources."""

from importlib.resources import as_file, files
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, Response

# Swagger UI uses icons as data URLs and inline styles, but no inline scripts.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>imageferry API reference</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
START_SCRIPT = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null});\n'

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def api_reference() -> HTMLResponse:
    """Return the page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
async def start_script() -> Response:
    """Return the script that starts Swagger UI; a file of its own, because the policy forbids inline scripts."""
    return Response(START_SCRIPT, media_type="text/javascript")


@router.get("/docs/{name}")
async def asset(name: str) -> FileResponse:
    """Return a file of Swagger UI from the package fastapi-offline."""
    if name not in ASSETS:
        raise HTTPException(404, "This file does not exist.")
    with as_file(files("fastapi_offline") / "static" / name) as path:
        return FileResponse(Path(path), media_type=ASSETS[name], headers={"Cache-Control": "no-cache"})
