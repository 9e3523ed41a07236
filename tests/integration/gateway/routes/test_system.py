"""The installation itself over HTTP, and the demo's import."""

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow


async def test_it_tells_what_it_is_made_of_without_secrets(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        told = await gateway.get("/api/system")
    assert told["store"].startswith("file://")
    assert (told["catalog"], told["engine"], told["auth"]) == ("sqlite", "local", False)
    assert told["demo"] == {"available": False}


async def test_without_a_stand_in_there_is_no_demo(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway, gateway.session.post("/api/demo") as answer:
        assert answer.status == 404


async def test_beside_a_stand_in_the_demo_is_one_call(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Samples")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + bytes(100), mime_type="image/jpeg")
    async with served(anywhere(flow), demo_folder_url=flow.drive.folder_url(root)) as gateway:
        assert (await gateway.get("/api/system"))["demo"] == {"available": True}
        async with gateway.session.post("/api/demo") as answer:
            assert answer.status == 202
            job_id = (await answer.json())["job_id"]
        assert (await gateway.ending(job_id))["stored"] == 1
