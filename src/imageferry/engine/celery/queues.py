"""The queues: how many messages wait in each, and how many workers serve it.

RabbitMQ knows its consumers. In Redis, each worker writes every few seconds that it is there.
"""

from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from msgspec import Struct

from imageferry.engine.celery.app import MESSAGE_TYPES, broker_errors_translated, queue_name, write_probe
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Message

ANNOUNCE_EVERY_S = 5
ANNOUNCEMENT_VALID_S = 20


class Queue(Struct, frozen=True, kw_only=True):
    """The state of one queue."""

    messages: int = 0  # that wait for a worker
    workers: int = 0  # that serve it


def inspect_queues(app: Celery) -> Mapping[type[Message], Queue]:
    """Return the state of each queue, by the type of its messages.

    Raises TransientError when the broker can't be reached.
    """
    queues: dict[type[Message], Queue] = {}
    with broker_errors_translated(), app.connection_for_write() as connection:
        channel = connection.channel()  # one for all queues: each channel opens its own connections to Redis
        for role, message_type in MESSAGE_TYPES.items():
            try:
                declared = channel.queue_declare(queue_name(app, role), passive=True)
            except connection.channel_errors:
                # The queue is not declared yet, and RabbitMQ closed the channel; on Redis, it is empty.
                queues[message_type] = Queue()
                if not getattr(channel, "is_open", True):
                    channel = connection.channel()
            else:
                queues[message_type] = Queue(messages=declared.message_count, workers=declared.consumer_count)
        if _is_redis(app):
            write_probe(channel.client, app)  # workers can't announce themselves in a Redis that is full
            announced = _announced(channel.client, app)
            queues = {each: Queue(messages=queues[each].messages, workers=announced[each]) for each in queues}
    return queues


def announce_regularly(consumer: Consumer) -> None:
    """Announce that a worker serves its queues, until its event loop ends."""
    if _is_redis(consumer.app):
        _announce(consumer)
        consumer.timer.call_repeatedly(ANNOUNCE_EVERY_S, _announce, (consumer,))


def _announce(consumer: Consumer) -> None:
    app = consumer.app
    try:
        with broker_errors_translated(), app.pool.acquire(block=True) as connection:
            redis = connection.default_channel.client
            now_s = redis.time()[0]  # the server's: the clocks of the workers may differ
            for queue in app.amqp.queues.consume_from:
                key = _workers_key(queue)
                redis.zadd(key, {consumer.hostname: now_s})
                redis.zremrangebyscore(key, 0, now_s - ANNOUNCEMENT_VALID_S)
                redis.expire(key, ANNOUNCEMENT_VALID_S)
    except TransientError as exc:
        log.warning("broker.unavailable", detail=exc.message)


def _announced(redis: Any, app: Celery) -> dict[type[Message], int]:  # noqa: ANN401 - a client of the redis library
    since_s = redis.time()[0] - ANNOUNCEMENT_VALID_S
    return {
        message_type: redis.zcount(_workers_key(queue_name(app, role)), since_s, "+inf")
        for role, message_type in MESSAGE_TYPES.items()
    }


def _workers_key(queue: str) -> str:
    return f"{queue}.workers"


def _is_redis(app: Celery) -> bool:
    return str(app.conf.broker_url).startswith("redis")
