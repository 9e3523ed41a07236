"""The web page: its files, its content security policy, and its views."""

import re
from gzip import decompress

import pytest

from imageferry.gateway.routes.web_page import CACHE_FOREVER, STATIC
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

VIEWS = ("/", "/import", "/jobs", "/jobs/7c9e", "/gallery", "/gallery/12", "/gallery?q=summer&sort=name")

built = pytest.mark.skipif(not (STATIC / "index.html").is_file(), reason="the web page is not built: run `make web`")


async def fetch(gateway: GatewayClient, path: str) -> tuple[str, str, str]:
    """Return a path's content, its content security policy and its Cache-Control."""
    async with gateway.session.get(path) as response:
        assert response.status == 200, path
        return (
            await response.text(),
            response.headers.get("Content-Security-Policy", ""),
            response.headers["Cache-Control"],
        )


async def test_every_view_has_a_url(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        responses = {await fetch(gateway, view) for view in VIEWS}
    assert len(responses) == 1
    (_, policy, cache), *_ = responses
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert cache == "no-cache"


@built
async def test_the_page_loads_nothing_from_other_hosts(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        page, _, _ = await fetch(gateway, "/")
        parts = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert any(part.startswith("/assets/") for part in parts)
        for part in parts:
            assert part.startswith("/"), part
            if not part.startswith("/api/"):
                _, _, cache = await fetch(gateway, part)
                assert (cache == CACHE_FOREVER) == part.startswith("/assets/")
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "<style" not in page
    assert "style=" not in page


@built
async def test_assets_are_compressed_for_clients_that_accept_gzip(flow: ImportFlow) -> None:
    path = max((STATIC / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
    async with running_gateway(on_free_port(flow)) as gateway:
        for accepted, is_compressed in (("gzip, br", True), ("identity", False)):
            headers = {"Accept-Encoding": accepted}
            async with gateway.session.get(f"/assets/{path.name}", headers=headers, auto_decompress=False) as response:
                body = await response.read()
            assert ("Content-Encoding" in response.headers) == is_compressed
            assert "Accept-Encoding" in response.headers["Vary"]
            assert response.headers["Cache-Control"] == CACHE_FOREVER
            assert response.content_type == "text/javascript"
            assert (decompress(body) if is_compressed else body) == path.read_bytes()


async def test_views_hide_no_url_of_the_api(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        assert await gateway.get("/images") == []
        for path in ("/api/none", "/none", "/jobs.json"):
            async with gateway.session.get(path) as response:
                assert (response.status, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("name", ["none.js", "%2e%2e%2findex.html", "..%5cindex.html", ".vite"])
async def test_a_missing_asset_is_not_found(flow: ImportFlow, name: str) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, gateway.session.get(f"/assets/{name}") as response:
        assert response.status == 404
