"""The gateway's configuration and the demo import over HTTP."""

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow


async def test_the_configuration_is_shown_without_secrets(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        system = await gateway.get("/api/system")
    assert system["store"].startswith("file://")
    assert (system["catalog"], system["engine"], system["auth"]) == ("sqlite", "local", False)
    assert system["demo"] == {"available": False}


async def test_without_a_test_drive_server_there_is_no_demo(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway, gateway.session.post("/api/demo") as response:
        assert response.status == 404


async def test_with_a_test_drive_server_the_demo_is_one_request(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Samples")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + bytes(100), mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow), demo_folder_url=flow.drive.folder_url(root)) as gateway:
        assert (await gateway.get("/api/system"))["demo"] == {"available": True}
        async with gateway.session.post("/api/demo") as response:
            assert response.status == 202
            job_id = (await response.json())["job_id"]
        assert (await gateway.wait_until_finished(job_id))["stored"] == 1
