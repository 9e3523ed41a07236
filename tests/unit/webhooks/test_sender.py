"""Sending messages to real receivers."""

import json
import socket
from typing import Any

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook

from imageferry.webhooks.sender import Answer, Sender
from tests.servers.webhook_receiver import HOST, Receiver, receiving

SECRET = "whsec_" + "c2VjcmV0" * 6
MESSAGE = {"type": "job.completed", "data": {"name": "Ferien 😀"}}


class Names(AbstractResolver):
    """Resolves every name to the next of its addresses, the last again and again."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def send(sender: Sender, url: str, **given: Any) -> Answer:  # noqa: ANN401 - what send takes
    return await sender.send(url, message_id="msg_1", message=MESSAGE, **given)


async def test_a_message_arrives_signed_as_the_standard_has_it() -> None:
    receiver = Receiver()
    async with receiving(receiver, tls=True) as tls:
        sender = Sender(secret=SECRET, private_hosts=[HOST], tls=tls, resolver=Names("127.0.0.1"))
        assert await send(sender, f"https://{HOST}:{receiver.port}/x?y=z") == Answer(status=200)
    (got,) = receiver.got
    assert Webhook(SECRET).verify(got.body, got.headers) == MESSAGE
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["Content-Type"] == "application/json"


async def test_without_a_secret_a_message_is_not_signed() -> None:
    receiver = Receiver()
    async with receiving(receiver):
        await send(Sender(secret=None, private_hosts=["127.0.0.1"]), f"http://127.0.0.1:{receiver.port}/")
    (got,) = receiver.got
    assert json.loads(got.body) == MESSAGE
    assert "webhook-signature" not in got.headers


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
async def test_a_name_that_leads_into_a_private_network_is_not_told(address: str) -> None:
    receiver = Receiver()
    async with receiving(receiver, tls=True) as tls:
        sender = Sender(secret=SECRET, tls=tls, resolver=Names(address))
        answer = await send(sender, f"https://{HOST}:{receiver.port}/")
    assert (answer.status, answer.hopeless, receiver.got) == (None, True, [])


async def test_a_name_that_leads_elsewhere_at_the_second_look_is_looked_at_once() -> None:
    receiver = Receiver()
    async with receiving(receiver, tls=True) as tls:
        names = Names("127.0.0.1", "93.184.216.34")
        sender = Sender(secret=SECRET, tls=tls, resolver=names)
        assert (await send(sender, f"https://{HOST}:{receiver.port}/")).hopeless
    assert (names.asked, receiver.got) == (1, [])


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Receiver()
    async with receiving(elsewhere):
        target = f"http://127.0.0.1:{elsewhere.port}/"
        receiver = Receiver(
            answers=[web.Response(status=status, headers={"Location": target}) for status in (302, 307)]
        )
        async with receiving(receiver):
            sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
            for status in (302, 307):
                answer = await send(sender, f"http://127.0.0.1:{receiver.port}/")
                assert (answer.status, answer.detail is None) == (status, False)
    assert elsewhere.got == []


async def test_a_receiver_that_wants_no_more_is_not_asked_again() -> None:
    receiver = Receiver(answers=[web.Response(status=410), web.Response(status=503)])
    async with receiving(receiver):
        sender = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
        url = f"http://127.0.0.1:{receiver.port}/"
        assert [(await send(sender, url)).hopeless for _ in range(2)] == [True, False]


async def test_an_answer_that_is_endless_or_late_or_no_http_holds_nothing_up() -> None:
    receiver = Receiver(answers=[web.Response(body=bytes(64 * 1024 * 1024)), 5.0])
    async with receiving(receiver):
        patient = Sender(secret=SECRET, private_hosts=["127.0.0.1"])
        hasty = Sender(secret=SECRET, private_hosts=["127.0.0.1"], timeout=ClientTimeout(total=0.5))
        url = f"http://127.0.0.1:{receiver.port}/"
        assert (await send(patient, url)).detail is None
        assert (await send(hasty, url)).detail == "It did not answer in time."
        assert not (await send(patient, url.replace("http:", "https:"))).hopeless


async def test_nobody_there_is_told_without_a_word_of_the_url() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = await send(Sender(secret=SECRET, private_hosts=["127.0.0.1"]), f"http://127.0.0.1:{port}/secret")
    assert answer == Answer(detail="It could not be reached (ClientConnectorError).")
