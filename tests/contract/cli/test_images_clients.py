"""Contract of every ImagesClient: with the local catalog, and with a remote gateway."""

from collections.abc import AsyncIterator

import pytest

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.factory import open_images_client
from imageferry.cli.clients.images import ImagesClient
from imageferry.demo.tree import Tree
from imageferry.errors import PermanentError, UsageError
from imageferry.gateway.schemas.images import ImageFilter
from tests.drivers.gateway_process import GatewayClient
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.integration


def matching(**conditions: object) -> ImageFilter:
    return ImageFilter.model_validate(conditions)


@pytest.fixture(params=["local", "remote"])
async def client(
    request: pytest.FixtureRequest, flow: ImportFlow, gateway: GatewayClient
) -> AsyncIterator[ImagesClient]:
    flow.setting_overrides |= {"server_url": gateway.url} if request.param == "remote" else {}
    async with open_images_client(flow.settings) as opened:
        yield opened


async def test_images_are_found_and_deleted(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient, client: ImagesClient
) -> None:
    root = tree.folder("Root")
    for number in range(103):  # more than one batch of a remote deletion
        tree.file(root, f"Sea & 100% {number:03d}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    tree.file(root, "Hill.png", content=PNG, mime_type="image/png")
    await gateway.import_folder(flow.drive.folder_url(root))

    all_images = await client.search(matching(), sort=Sort.NAME_DESC, limit=2)
    assert [image.name for image in all_images.images] == ["Sea & 100% 102.jpg", "Sea & 100% 101.jpg"]
    assert all_images.total == Total(images=104)
    rest = await client.search(matching(), sort=Sort.NAME_DESC, limit=1000, cursor=all_images.next)
    assert ([image.name for image in rest.images][:1], len(rest.images)) == (["Sea & 100% 100.jpg"], 102)
    assert rest.next is None
    for cursor, sort in ((all_images.next, Sort.NAME), ("rubbish", Sort.NAME_DESC)):
        with pytest.raises(UsageError):
            await client.search(matching(), sort=sort, limit=1, cursor=cursor)
    filtered = matching(mime_type=["image/png", "image/gif"], has_location=False, size_max=100)
    assert [image.name for image in (await client.search(filtered, sort=Sort.CREATED, limit=1000)).images] == [
        "Hill.png"
    ]
    for q in ("sea &", "100% se"):
        assert (await client.search(matching(q=q), sort=Sort.CREATED, limit=1)).total.images == 103
    assert (await client.search(matching(q="&"), sort=Sort.CREATED, limit=1)).images == []

    assert (await client.delete(matching(q="&"))).deleted == 0
    result = await client.delete(matching(q="sea"))
    assert (result.deleted, dict(result.failed)) == (103, {})
    assert (await client.search(matching(), sort=Sort.DATE, limit=2)).total.images == 1


async def test_images_are_found_downloaded_and_deleted_by_id(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient, client: ImagesClient
) -> None:
    root = tree.folder("Root")
    for number in range(4):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    await gateway.import_folder(flow.drive.folder_url(root))
    ids = {image.name: image.id for image in (await client.search(matching(), sort=Sort.NAME, limit=9)).images}
    selected = [ids["2.jpg"], ids["0.jpg"], 999]
    assert {image.name for image in await client.by_ids(selected)} == {"0.jpg", "2.jpg"}
    assert b"".join([chunk async for chunk in client.content(selected[0])]) == JPEG + b"\2"
    with pytest.raises(PermanentError):
        await anext(client.content(999))
    result = await client.delete(selected)
    assert (result.deleted, dict(result.failed)) == (2, {})
    assert await client.by_ids(selected) == []
