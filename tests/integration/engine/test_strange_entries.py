"""Entries in a queue of the broker that are no messages of ours: each is removed with a log line, and ends nothing."""

import asyncio
import base64
import json

import pytest
from amqp import Message
from redis import Redis

from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role, queue_name
from tests.drivers.legacy_clients import create_album
from tests.drivers.workers import WorkerGroup
from tests.servers.brokers import Broker

pytestmark = pytest.mark.integration

POLL_INTERVAL_S = 0.1
PROPERTIES = {"delivery_info": {"exchange": "", "routing_key": ""}, "delivery_tag": "1", "body_encoding": "base64"}


def bodies(task: str) -> list[tuple[bytes, dict[str, object], str]]:
    """Return bodies, headers and content types that a program other than ours may send to a task's queue."""
    headers: dict[str, object] = {"task": task, "id": "strange"}
    return [
        (b"\xff\xfe\x00", {}, "application/json"),
        (b"[]", {}, "application/json"),
        (b"{}", {}, "application/json"),
        (b'"text"', {}, "text/plain"),
        (b"\x80\x04N.", headers, "application/x-python-serialize"),
        (b"\xff", headers, "application/json"),
        (b"null", headers, "application/json"),
        (b"[[], {}, {}]", headers, "application/json"),
        (b"[[1, 2, 3], {}, {}]", headers, "application/json"),
        (b'[[{"job_id": 7}], {}, {}]', headers, "application/json"),
        (b'[[], {"unknown": 1}, {}]', headers, "application/json"),
        (b"[[], {}, {}]", {"task": "somebody.elses.task", "id": "strange"}, "application/json"),
        (b"[[], {}, {}]", {"task": "somebody.elses.task"}, "application/json"),
        (b"[[], {}, {}]", {"task": 7, "id": 7}, "application/json"),
        (b"[[], {}, {}]", {"task": task}, "application/json"),
    ]


def send_to_redis(broker: Broker) -> None:
    queue = queue_name(broker.app, Role.CRAWL)
    envelopes: list[object] = [
        {
            "body": base64.b64encode(body).decode(),
            "headers": headers,
            "content-type": content_type,
            "content-encoding": "utf-8",
            "properties": PROPERTIES,
        }
        for body, headers, content_type in bodies(queue)
    ]
    odd: list[object] = [
        None,
        42,
        "text",
        [],
        {},
        {"body": "?", "properties": {}},
        {"body": 7, "headers": None, "properties": PROPERTIES},
    ]
    with Redis.from_url(broker.url) as server:
        server.lpush(queue, b"", b"\x00\xff", b"{", *(json.dumps(each).encode() for each in (*odd, *envelopes)))


def send_to_rabbitmq(broker: Broker) -> None:
    queue = queue_name(broker.app, Role.CRAWL)
    with broker.app.connection_for_write() as connection, connection.channel() as channel:
        for body, headers, content_type in bodies(queue):
            message = Message(body, application_headers=headers, content_type=content_type, content_encoding="utf-8")
            channel.basic_publish(message, exchange="", routing_key=queue)
            channel.basic_publish(Message(body), exchange="", routing_key=queue)


async def test_strange_entries_end_nothing_and_are_removed(tree: Tree, workers: WorkerGroup) -> None:
    worker = await workers.start()
    children = worker.children()
    send = send_to_redis if workers.broker.url.startswith("redis") else send_to_rabbitmq
    await asyncio.to_thread(send, workers.broker)
    result = await workers.flow.run(create_album(tree, files=20))
    await workers.flow.assert_consistent(result.job)
    while await asyncio.to_thread(workers.broker.queue_length, Role.CRAWL):  # noqa: ASYNC110 - a queue has no event
        await asyncio.sleep(POLL_INTERVAL_S)
    assert worker.children() == children
    assert "Traceback" not in worker.log_text
    assert "message.dropped" in worker.log_text
