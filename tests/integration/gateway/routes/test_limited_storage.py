"""The gateway on a bucket whose credentials may only write."""

from collections.abc import AsyncIterator

import pytest

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.pictures import four_color_image, jpeg_with_orientation
from tests.servers.s3 import FakeS3

pytestmark = pytest.mark.integration

READ, LIST, DELETE = "s3:GetObject", "s3:ListBucket", "s3:DeleteObject"
PATHS = ("/api/images/1/content", "/api/images/1/thumbnail")


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    async with FakeS3(denied={READ, LIST, DELETE}) as server:
        yield server


@pytest.fixture
async def gateway(tree: Tree, flow: ImportFlow, s3: FakeS3) -> AsyncIterator[GatewayClient]:
    """A gateway that has imported an image into `s3`."""
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=jpeg_with_orientation(1, four_color_image()), mime_type="image/jpeg")
    flow.setting_overrides.update(s3.settings)
    async with running_gateway(on_free_port(flow)) as running:
        await running.import_folder(flow.drive.folder_url(root))
        yield running


async def test_an_image_that_may_not_be_read_names_the_permission_and_is_shown_once_it_is_granted(
    gateway: GatewayClient, s3: FakeS3
) -> None:
    for path in PATHS:
        async with gateway.session.get(path) as response:
            problem = await response.json()
            assert (response.status, problem["code"]) == (503, "store_denied")
            assert f"not permitted to read objects. Grant them {READ}" in problem["detail"]

    s3.denied.remove(READ)

    for path in PATHS:
        async with gateway.session.get(path) as response:
            assert (response.status, response.content_type[:6]) == (200, "image/")


async def test_a_deletion_that_is_not_permitted_names_the_permission(gateway: GatewayClient) -> None:
    async with gateway.session.delete("/api/images/1") as response:
        assert DELETE in await response.text()
    async with gateway.session.get("/api/images/1") as response:
        assert response.status == 404
