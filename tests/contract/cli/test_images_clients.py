"""What the command for images relies on, whether it asks the catalog of this machine or a gateway elsewhere."""

from collections.abc import AsyncIterator
from io import BytesIO
from zipfile import ZipFile

import pytest

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.images import ImageDesk
from imageferry.cli.clients.open import open_image_desk
from imageferry.demo.tree import Tree
from imageferry.gateway.schemas.images import ImageFilter
from tests.drivers.gateway_process import Served
from tests.drivers.import_flow import Flow

JPEG = b"\xff\xd8\xff\xe0"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.integration


def meant(**conditions: object) -> ImageFilter:
    return ImageFilter.model_validate(conditions)


@pytest.fixture(params=["local", "remote"])
async def desk(request: pytest.FixtureRequest, flow: Flow, gateway: Served) -> AsyncIterator[ImageDesk]:
    flow.given |= {"server_url": gateway.url} if request.param == "remote" else {}
    async with open_image_desk(flow.settings) as opened:
        yield opened


async def test_images_are_shown_and_deleted(tree: Tree, flow: Flow, gateway: Served, desk: ImageDesk) -> None:
    root = tree.folder("Root")
    for number in range(103):  # more than one step
        tree.file(root, f"Sea & 100% {number:03d}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    tree.file(root, "Hill.png", content=PNG, mime_type="image/png")
    await gateway.run(flow.drive.folder_url(root))

    everything = await desk.show(meant(), sort=Sort.NAME_DESC, limit=2)
    assert [image.name for image in everything.images] == ["Sea & 100% 102.jpg", "Sea & 100% 101.jpg"]
    assert everything.total == Total(images=104)
    either = meant(mime_type=["image/png", "image/gif"], located=False, size_max=100)
    assert [image.name for image in (await desk.show(either, sort=Sort.CREATED, limit=1000)).images] == ["Hill.png"]
    for q in ("sea &", "100% se"):
        assert (await desk.show(meant(q=q), sort=Sort.CREATED, limit=1)).total.images == 103
    assert (await desk.show(meant(q="&"), sort=Sort.CREATED, limit=1)).images == []

    assert (await desk.delete(meant(q="&"))).deleted == 0
    gone = await desk.delete(meant(q="sea"))
    assert (gone.deleted, dict(gone.failed)) == (103, {})
    assert (await desk.show(meant(), sort=Sort.SHOWN, limit=2)).total.images == 1


async def test_named_images_are_told_saved_and_deleted(
    tree: Tree, flow: Flow, gateway: Served, desk: ImageDesk
) -> None:
    root = tree.folder("Root")
    for number in range(4):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    await gateway.run(flow.drive.folder_url(root))
    ids = {image.name: image.id for image in (await desk.show(meant(), sort=Sort.NAME, limit=9)).images}
    named = [ids["2.jpg"], ids["0.jpg"], 999]
    assert {image.name for image in await desk.some(named)} == {"0.jpg", "2.jpg"}
    archive = ZipFile(BytesIO(b"".join([piece async for piece in desk.archive(named[:2])])))
    assert {name: archive.read(name) for name in archive.namelist()} == {"0.jpg": JPEG + b"\0", "2.jpg": JPEG + b"\2"}
    gone = await desk.delete(named)
    assert (gone.deleted, dict(gone.failed)) == (2, {})
    assert await desk.some(named) == []
