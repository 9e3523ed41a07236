"""The page: served whole, strictly, and at the address of each of its views."""

import re
from gzip import decompress

import pytest

from imageferry.gateway.routes.web_page import FOREVER, STATIC
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow

VIEWS = ("/", "/import", "/jobs", "/jobs/7c9e", "/gallery", "/gallery/12", "/gallery?q=summer&sort=name")

built = pytest.mark.skipif(not (STATIC / "index.html").is_file(), reason="the page is not built: make web")


async def fetched(gateway: Served, path: str) -> tuple[str, str, str]:
    """What a path shows, under which policy, and how long it may be kept."""
    async with gateway.session.get(path) as answer:
        assert answer.status == 200, path
        return await answer.text(), answer.headers.get("Content-Security-Policy", ""), answer.headers["Cache-Control"]


async def test_every_view_is_an_address_of_the_page(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        shown = {await fetched(gateway, view) for view in VIEWS}
    assert len(shown) == 1
    (_, policy, cache), *_ = shown
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert cache == "no-cache"


@built
async def test_the_page_needs_nothing_but_what_this_gateway_serves(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        page, _, _ = await fetched(gateway, "/")
        parts = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert any(part.startswith("/assets/") for part in parts)
        for part in parts:
            assert part.startswith("/"), part
            if not part.startswith("/api/"):
                _, _, cache = await fetched(gateway, part)
                assert (cache == FOREVER) == part.startswith("/assets/")
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "<style" not in page
    assert "style=" not in page


@built
async def test_parts_of_the_page_come_packed_to_who_takes_them_so(flow: Flow) -> None:
    part = max((STATIC / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
    async with served(anywhere(flow)) as gateway:
        for accepted, packed in (("gzip, br", True), ("identity", False)):
            headers = {"Accept-Encoding": accepted}
            async with gateway.session.get(f"/assets/{part.name}", headers=headers, auto_decompress=False) as answer:
                body = await answer.read()
            assert ("Content-Encoding" in answer.headers) == packed
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert answer.headers["Cache-Control"] == FOREVER
            assert answer.content_type == "text/javascript"
            assert (decompress(body) if packed else body) == part.read_bytes()


async def test_views_swallow_no_address_of_the_interface(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        assert await gateway.get("/images") == []
        for path in ("/api/none", "/none", "/jobs.json"):
            async with gateway.session.get(path) as answer:
                assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("name", ["none.js", "%2e%2e%2findex.html", "..%5cindex.html", ".vite"])
async def test_a_part_that_there_is_not_is_not_found(flow: Flow, name: str) -> None:
    async with served(anywhere(flow)) as gateway, gateway.session.get(f"/assets/{name}") as answer:
        assert answer.status == 404
