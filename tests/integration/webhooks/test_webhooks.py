"""Webhooks, from the request to the receiver, and to nobody in a private network."""

import json

import pytest
from standardwebhooks import Webhook

from imageferry.demo.tree import Tree
from tests.drivers.event_client import listening
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.legacy_clients import album
from tests.drivers.processes import command, environment_of
from tests.servers.webhook_receiver import Receiver, receiving

SECRET = "whsec_" + "c2VjcmV0" * 6


async def test_who_asked_for_it_is_told_of_the_end_and_the_job_says_so(tree: Tree, flow: Flow) -> None:
    receiver = Receiver()
    flow.given |= {"webhook_secret": SECRET, "webhook_private_hosts": ("127.0.0.1",)}
    async with receiving(receiver), served(anywhere(flow)) as gateway, listening(gateway.session) as listener:
        url = f"http://127.0.0.1:{receiver.port}/done?job=1"
        job_id = await gateway.begin(flow.drive.folder_url(album(tree)), webhook_url=url)
        told = (await listener.until("job", id=job_id, state="completed")).data
        while told["webhook"]["state"] != "delivered":
            told = (await listener.until("job", id=job_id)).data
        assert told["webhook_url"] == url
        assert (told["webhook"]["tries"], told["webhook"]["status"]) == (1, 200)
        assert (await gateway.get(f"/api/jobs/{job_id}"))["webhook"] == told["webhook"]
    (got,) = receiver.got
    message = Webhook(SECRET).verify(got.body, got.headers)
    assert (message["type"], message["data"]["id"], message["data"]["stored"]) == ("job.completed", job_id, 3)
    assert message["data"]["finished_at"] == told["finished_at"]


async def test_the_command_tells_of_the_end_itself(tree: Tree, flow: Flow) -> None:
    receiver = Receiver()
    async with receiving(receiver):
        environment = environment_of(flow) | {"IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1"}
        words = ("import", flow.drive.folder_url(album(tree)), "--webhook-url", f"http://127.0.0.1:{receiver.port}/")
        async with command(flow, *words, environment=environment) as importing:
            assert (await importing.ended()).code == 0
    (got,) = receiver.got
    assert json.loads(got.body)["type"] == "job.completed"


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
async def test_a_url_that_leads_into_a_private_network_is_refused_at_once(tree: Tree, flow: Flow, url: str) -> None:
    body = {"folder_url": flow.drive.folder_url(album(tree)), "webhook_url": url}
    async with (
        served(anywhere(flow)) as gateway,
        gateway.session.post("/api/import/google-drive", json=body) as answer,
    ):
        assert answer.status == 400
        assert "webhook" in (await answer.json())["detail"]
        assert (await gateway.get("/api/jobs"))["items"] == []
