"""Lists of images over HTTP: filters, sort orders, pages, cursors, facets and invalid parameters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from imageferry.bootstrap.components import open_catalog
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.image_records import ImageRecorder, image_file, taken_on_day
from tests.drivers.import_flow import ImportFlow

STORED = 120


@asynccontextmanager
async def library(flow: ImportFlow) -> AsyncIterator[GatewayClient]:
    """Run a gateway whose catalog has 120 images in two folders."""
    settings = on_free_port(flow)
    async with open_catalog(settings) as catalog:
        recorder = ImageRecorder(catalog=catalog, store_url=f"file://{flow.home / 'store'}")
        files = [
            image_file(
                f"f{number}",
                f"{'Sea' if number % 3 else 'Hill'} {number:03}.jpg",
                taken_at=taken_on_day(number // 10),
                camera="Canon & Söhne" if number < 30 else None,
                mime_type="image/png" if number % 10 == 0 else "image/jpeg",
                latitude=1.0 if number < 5 else None,
                longitude=2.0,
                iso=200,
                lens="50 mm",
            )
            for number in range(STORED)
        ]
        await recorder.store(*files[:100], folder_id="one")
        await recorder.store(*files[100:], folder_id="two")
    async with running_gateway(settings) as gateway:
        yield gateway


async def read_list(gateway: GatewayClient, url: str | None) -> list[dict[str, Any]]:
    """Return all items of a list, following `next`."""
    found: list[dict[str, Any]] = []
    while url:
        page = await gateway.get(url)
        assert len(page["items"]) <= page["per_page"]
        found += page["items"]
        url = page["next"]
    return found


async def test_reading_by_cursor_and_by_page_returns_the_same_list(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        for sort in ("date", "-date", "created", "-created", "name", "-name", "size", "-size"):
            for conditions in ("", "&q=sea", "&folder_id=one&mime_type=image/jpeg&mime_type=image/png"):
                by_page = await read_list(gateway, f"/api/images?sort={sort}&per_page=37{conditions}")
                by_cursor = await read_list(gateway, f"/api/images?sort={sort}&limit=41{conditions}")
                assert by_page == by_cursor
                assert len(by_page) == {"": STORED, "&q=sea": 80}.get(conditions, 100)


async def test_cursors_continue_in_both_directions_from_any_page(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        for sort, reverse in (("name", "-name"), ("-date", "date"), ("size", "-size"), ("created", "-created")):
            first, second, third = [
                await gateway.get(f"/api/images?sort={sort}&page={page}&per_page=40") for page in (1, 2, 3)
            ]
            assert first["before"] is third["after"] is None
            following = await gateway.get(f"/api/images?sort={sort}&limit=40&cursor={second['after']}")
            assert following["items"] == third["items"]
            preceding = await gateway.get(f"/api/images?sort={reverse}&limit=40&cursor={second['before']}")
            assert preceding["items"][::-1] == first["items"]
            again = await gateway.get(f"/api/images?sort={sort}&limit=40&cursor={preceding['before']}")
            assert again["items"] == second["items"]


async def test_filters_select_matching_images(flow: ImportFlow) -> None:
    async with library(flow) as gateway:

        async def total(query: str) -> int:
            page = await gateway.get(f"/api/images?per_page=1&{query}")
            assert page["total_exact"]
            timeline = await gateway.get(f"/api/images/timeline?{query}")
            assert sum(bucket["count"] for bucket in timeline["buckets"]) == timeline["total"] == page["total"]
            return int(page["total"])

        assert await total("camera=Canon%20%26%20S%C3%B6hne") == 30
        assert await total("has_location=true") == 5
        assert await total("has_location=false") == 115
        assert await total("taken_from=2025-07-15&taken_to=2025-07-16") == 20
        assert await total("q=SEA%2010") == 7  # 100 … 109, without the hills
        assert await total("q=!!") == 0
        assert await total("q=%20") == STORED
        assert await total("size_min=11") == 0
        assert await total("folder_id=two&q=hill") == 6


async def test_an_image_has_camera_metadata_and_links(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        record = await gateway.get("/api/images/1")
        assert record["details"]["iso"] == 200
        assert record["details"]["lens"] == "50 mm"
        assert record["source_url"] == "https://drive.google.com/file/d/f0/view"
        assert record["links"]["content"] == "/api/images/1/content"
        assert (record["placeholder"], record["thumbnail"]) == (None, None)


async def test_facets_and_statistics_match_the_lists(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        facets, stats = await gateway.get("/api/images/facets"), await gateway.get("/api/stats")
        assert [(folder["folder_id"], folder["count"]) for folder in facets["folders"]] == [("one", 100), ("two", 20)]
        assert [(camera["camera"], camera["count"]) for camera in facets["cameras"]] == [("Canon & Söhne", 30)]
        assert (facets["has_location"]["count"], len(facets["jobs"])) == (5, 2)
        assert stats["images"] == {"count": STORED, "bytes": 10 * STORED}
        assert {kind["mime_type"]: kind["count"] for kind in stats["types"]} == {"image/jpeg": 108, "image/png": 12}
        assert [day["count"] for day in stats["days"]] == [10] * 12
        assert stats["days"][0]["date"] > stats["days"][-1]["date"]
        assert stats["jobs"] == {"completed": 2}


async def test_a_cached_page_is_not_sent_again(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        async with gateway.session.get("/api/images?page=2&per_page=10") as response:
            tag = response.headers["ETag"]
            assert response.headers["Link"] == (
                '</api/images?per_page=10&page=3>; rel="next", </api/images?per_page=10&page=1>; rel="prev"'
            )
        async with gateway.session.get("/api/images?page=2&per_page=10", headers={"If-None-Match": tag}) as response:
            assert (response.status, await response.read()) == (304, b"")
        async with gateway.session.get("/api/images?page=3&per_page=10", headers={"If-None-Match": tag}) as response:
            assert response.status == 200


INVALID_QUERIES = (
    "page=0",
    "page=-1",
    "page=NaN",
    f"page={10**18}",
    "per_page=0",
    "per_page=1001",
    "limit=1e3",
    "page=1&cursor=",
    "cursor=forged",
    "cursor=WzFd.AAAA",
    "sort=random()",
    "size_min=-1",
    f"size_max={2**63}",
    "taken_from=2025-02-30",
    "taken_from=0",
    "taken_to=2025-02-03T00:00:00",
    "has_location=perhaps",
    "folder_id=%00",
    "camera=",
    "q=" + "x" * 201,
    "&".join(["mime_type=a"] * 51),
)


@pytest.mark.parametrize("query", INVALID_QUERIES)
async def test_invalid_parameters_are_rejected(flow: ImportFlow, query: str) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, gateway.session.get(f"/api/images?{query}") as response:
        assert (response.status, response.content_type) == (400, "application/problem+json")


async def test_a_cursor_is_valid_for_its_sort_order_and_after_a_restart(flow: ImportFlow) -> None:
    async with library(flow) as gateway:
        following = (await gateway.get("/api/images?sort=name&limit=10"))["next"]
        async with gateway.session.get(following.replace("sort=name", "sort=-name")) as response:
            assert response.status == 400
    async with running_gateway(on_free_port(flow)) as gateway:
        assert len((await gateway.get(following))["items"]) == 10
