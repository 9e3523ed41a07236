"""Webhooks from the import request to the receiver, and never into a private network."""

import json

import pytest
from standardwebhooks import Webhook

from imageferry.demo.tree import Tree
from tests.drivers.event_client import open_event_stream
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import create_album
from tests.drivers.processes import command, environment_of
from tests.servers.webhook_receiver import WebhookReceiver, running_receiver

SECRET = "whsec_" + "c2VjcmV0" * 6


async def test_a_finished_job_is_delivered_and_the_job_shows_the_delivery(tree: Tree, flow: ImportFlow) -> None:
    receiver = WebhookReceiver()
    flow.setting_overrides |= {"webhook_secret": SECRET, "webhook_private_hosts": ("127.0.0.1",)}
    async with (
        running_receiver(receiver),
        running_gateway(on_free_port(flow)) as gateway,
        open_event_stream(gateway.session) as listener,
    ):
        url = f"http://127.0.0.1:{receiver.port}/done?job=1"
        job_id = await gateway.start_import(flow.drive.folder_url(create_album(tree)), webhook_url=url)
        shown = (await listener.wait_for("job", id=job_id, state="completed")).data
        while shown["webhook"]["state"] != "delivered":
            shown = (await listener.wait_for("job", id=job_id)).data
        assert shown["webhook_url"] == url
        assert (shown["webhook"]["tries"], shown["webhook"]["status"]) == (1, 200)
        assert (await gateway.get(f"/api/jobs/{job_id}"))["webhook"] == shown["webhook"]
    (request,) = receiver.requests
    message = Webhook(SECRET).verify(request.body, request.headers)
    assert (message["type"], message["data"]["id"], message["data"]["stored"]) == ("job.completed", job_id, 3)
    assert message["data"]["finished_at"] == shown["finished_at"]


async def test_the_import_command_delivers_its_webhook_itself(tree: Tree, flow: ImportFlow) -> None:
    receiver = WebhookReceiver()
    async with running_receiver(receiver):
        environment = environment_of(flow) | {"IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}
        arguments = (
            "import",
            flow.drive.folder_url(create_album(tree)),
            "--webhook-url",
            f"http://127.0.0.1:{receiver.port}/",
        )
        async with command(flow, *arguments, environment=environment) as importing:
            assert (await importing.wait()).code == 0
    (request,) = receiver.requests
    assert json.loads(request.body)["type"] == "job.completed"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://127.0.0.1:8000/api/jobs",
        "https://localhost/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:password@hooks.example/",
        "file:///etc/passwd",
        "nothing",
    ],
)
async def test_a_url_that_points_to_a_private_network_is_refused_at_once(
    tree: Tree, flow: ImportFlow, url: str
) -> None:
    body = {"folder_url": flow.drive.folder_url(create_album(tree)), "webhook_url": url}
    async with (
        running_gateway(on_free_port(flow)) as gateway,
        gateway.session.post("/api/import/google-drive", json=body) as response,
    ):
        assert response.status == 400
        assert "webhook" in (await response.json())["detail"]
        assert (await gateway.get("/api/jobs"))["items"] == []
