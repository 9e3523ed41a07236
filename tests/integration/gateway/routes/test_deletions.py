"""Deleting images over HTTP."""

import pytest

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow

JPEG = b"\xff\xd8\xff\xe0"


async def test_a_deleted_image_is_gone_with_its_object_until_its_folder_is_imported_again(
    tree: Tree, flow: Flow
) -> None:
    root = tree.folder("Holiday")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        tree.file(root, name, content=JPEG + name.encode(), mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        for _ in range(2):
            async with gateway.session.delete("/api/images/1") as answer:
                assert (answer.status, await answer.read()) == (204, b"")
        for path in ("/api/images/1", "/api/images/1/content"):
            async with gateway.session.get(path) as answer:
                assert answer.status == 404
        wanted = {"ids": [1, 2]}
        async with gateway.session.post("/api/images/delete", json=wanted) as answer:
            assert await answer.json() == {"deleted": 1, "missing": 1, "failed": []}
        async with gateway.session.post("/api/images/delete", json={"filter": {"q": "jpg"}}) as answer:
            assert (await answer.json())["deleted"] == 1
        assert (await gateway.get("/api/stats"))["images"] == {"count": 0, "bytes": 0}
        assert [path for path in (flow.home / "store").rglob("*") if path.is_file()] == []
        again = await gateway.run(flow.drive.folder_url(root))
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
async def test_what_does_not_say_which_images_deletes_none(flow: Flow, body: dict[str, object]) -> None:
    async with (
        served(anywhere(flow)) as gateway,
        gateway.session.post("/api/images/delete", json=body) as answer,
    ):
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
