"""Sending webhook messages to real receivers."""

import json
import socket
from typing import Any

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook

from imageferry.webhooks.sender import Sender, SendResult
from tests.servers.webhook_receiver import HOST, WebhookReceiver, running_receiver

SECRET = "whsec_" + "c2VjcmV0" * 6
MESSAGE = {"type": "job.completed", "data": {"name": "Ferien 😀"}}


class FakeResolver(AbstractResolver):
    """Resolves every name to the next of its addresses, and to the last one from then on."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.lookups = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.lookups += 1
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def send(sender: Sender, url: str, **options: Any) -> SendResult:  # noqa: ANN401 - the options of Sender.send
    return await sender.send(url, message_id="msg_1", message=MESSAGE, **options)


async def test_a_message_arrives_signed_as_the_standard_specifies() -> None:
    receiver = WebhookReceiver()
    async with running_receiver(receiver, tls=True) as tls:
        sender = Sender(secret=SECRET, private_hosts=[HOST], tls=tls, resolver=FakeResolver("127.0.0.1"))
        assert await send(sender, f"https://{HOST}:{receiver.port}/x?y=z") == SendResult(status=200)
    (request,) = receiver.requests
    assert Webhook(SECRET).verify(request.body, request.headers) == MESSAGE
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["Content-Type"] == "application/json"


async def test_a_message_is_not_signed_without_a_secret() -> None:
    receiver = WebhookReceiver()
    async with running_receiver(receiver):
        await send(Sender(secret=None, private_hosts=["127.0.0.1"]), f"http://127.0.0.1:{receiver.port}/")
    (request,) = receiver.requests
    assert json.loads(request.body) == MESSAGE
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
async def test_nothing_is_sent_to_a_name_that_resolves_to_a_private_network(address: str) -> None:
    receiver = WebhookReceiver()
    async with running_receiver(receiver, tls=True) as tls:
        sender = Sender(secret=SECRET, tls=tls, resolver=FakeResolver(address))
        result = await send(sender, f"https://{HOST}:{receiver.port}/")
    assert (result.status, result.is_permanent, receiver.requests) == (None, True, [])


async def test_a_name_is_resolved_once_so_that_a_second_lookup_cannot_differ() -> None:
    receiver = WebhookReceiver()
    async with running_receiver(receiver, tls=True) as tls:
        resolver = FakeResolver("127.0.0.1", "93.184.216.34")
        sender = Sender(secret=SECRET, tls=tls, resolver=resolver)
        assert (await send(sender, f"https://{HOST}:{receiver.port}/")).is_permanent
    assert (resolver.lookups, receiver.requests) == (1, [])


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = WebhookReceiver()
    async with running_receiver(elsewhere):
        target = f"http://127.0.0.1:{elsewhere.port}/"
        receiver = WebhookReceiver(
            responses=[web.Response(status=status, headers={"Location": target}) for status in (302, 307)]
        )
        async with running_receiver(receiver):
            sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
            for status in (302, 307):
                result = await send(sender, f"http://127.0.0.1:{receiver.port}/")
                assert (result.status, result.detail is None) == (status, False)
    assert elsewhere.requests == []


async def test_status_410_is_a_permanent_failure() -> None:
    receiver = WebhookReceiver(responses=[web.Response(status=410), web.Response(status=503)])
    async with running_receiver(receiver):
        sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
        url = f"http://127.0.0.1:{receiver.port}/"
        assert [(await send(sender, url)).is_permanent for _ in range(2)] == [True, False]


async def test_a_response_that_is_endless_or_late_or_not_http_does_not_block() -> None:
    receiver = WebhookReceiver(responses=[web.Response(body=bytes(64 * 1024 * 1024)), 5.0])
    async with running_receiver(receiver):
        sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
        impatient_sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"], timeout=ClientTimeout(total=0.5))
        url = f"http://127.0.0.1:{receiver.port}/"
        assert (await send(sender, url)).detail is None
        assert (await send(impatient_sender, url)).detail == "The receiver did not answer in time."
        assert not (await send(sender, url.replace("http:", "https:"))).is_permanent


async def test_a_failed_connection_is_reported_without_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = await send(Sender(secret=SECRET, private_hosts=["127.0.0.1"]), f"http://127.0.0.1:{port}/secret")
    assert result == SendResult(detail="The receiver could not be reached (ClientConnectorError).")
