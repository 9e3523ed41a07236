"""Deletion of images over HTTP."""

import pytest

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"


async def test_a_deleted_image_and_its_object_are_gone_until_its_folder_is_imported_again(
    tree: Tree, flow: ImportFlow
) -> None:
    root = tree.folder("Holiday")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        tree.file(root, name, content=JPEG + name.encode(), mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        for _ in range(2):
            async with gateway.session.delete("/api/images/1") as response:
                assert (response.status, await response.read()) == (204, b"")
        for path in ("/api/images/1", "/api/images/1/content"):
            async with gateway.session.get(path) as response:
                assert response.status == 404
        deletion = {"ids": [1, 2]}
        async with gateway.session.post("/api/images/delete", json=deletion) as response:
            assert await response.json() == {"deleted": 1, "missing": 1, "failed": []}
        async with gateway.session.post("/api/images/delete", json={"filter": {"q": "jpg"}}) as response:
            assert (await response.json())["deleted"] == 1
        assert (await gateway.get("/api/stats"))["images"] == {"count": 0, "bytes": 0}
        assert [path for path in (flow.home / "store").rglob("*") if path.is_file()] == []
        again = await gateway.import_folder(flow.drive.folder_url(root))
        assert again["stored"] == 3
        assert {image["id"] for image in await gateway.get("/images")} == {4, 5, 6}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": [0]},
        {"ids": [True]},
        {"ids": ["1"]},
        {"filter": {"taken_from": 0}},
        {"ids": [1] * 1001},
        {"ids": [1], "filter": {"q": "a"}},
        {"filter": {}},
        {"filter": {"q": " "}},
        {"filter": {"nmae": "a"}},
        {"filter": {"folder_id": "\0"}},
    ],
)
async def test_an_ambiguous_request_deletes_nothing(flow: ImportFlow, body: dict[str, object]) -> None:
    async with (
        running_gateway(on_free_port(flow)) as gateway,
        gateway.session.post("/api/images/delete", json=body) as response,
    ):
        assert (response.status, response.content_type) == (400, "application/problem+json")
