"""Downloads of many images as one ZIP."""

from io import BytesIO
from zipfile import ZipFile

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"


async def test_an_archive_has_every_original_under_a_safe_unique_name(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    sub = tree.folder("Sea", parent=root)
    contents = [JPEG + bytes([number]) * size for number, size in enumerate((0, 10, 3_000_000, 5, 6))]
    for name, parent, content in zip(
        ("a.jpg", "A.JPG", "../../large.jpg", "a.jpg", "gone.jpg"), (root, root, root, sub, root), contents, strict=True
    ):
        tree.file(parent, name, content=content, mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        for path in (flow.home / "store").rglob("*gone.jpg"):
            path.unlink()
        ids = [image["id"] for image in await gateway.get("/images")]
        async with gateway.session.post("/api/images/archive", json={"ids": [*ids, ids[0], 999]}) as response:
            assert (response.status, response.content_type) == (200, "application/zip")
            archive = ZipFile(BytesIO(await response.read()))
        async with gateway.session.get("/api/images/archive", params=[("id", ids[0]), ("id", ids[1])]) as response:
            assert response.headers["Content-Disposition"] == 'attachment; filename="images.zip"'
            assert len(ZipFile(BytesIO(await response.read())).namelist()) == 2
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert len(names) == 5
    assert {"Sea/a.jpg", "missing images.txt"} <= names
    assert {name.casefold() for name in names} >= {"a.jpg", "a (2).jpg"}
    assert all({"", "."}.isdisjoint(name.split("/")) and ".." not in name.split("/") for name in names)
    assert {archive.read(name) for name in names} >= set(contents[:4])
    missing = archive.read("missing images.txt").decode()
    assert "gone.jpg" in missing
    assert "999" in missing


async def test_an_empty_archive_is_rejected(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        for ids, status in (([1], 404), ([], 400), ([-1], 400)):
            async with gateway.session.post("/api/images/archive", json={"ids": ids}) as response:
                assert response.status == status
