"""The Celery application: a task and a queue for each stage, and settings under which no work is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import msgspec
from amqp.exceptions import AMQPError, MessageNacked
from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError

from imageferry.errors import FatalError, Reason, TransientError
from imageferry.model import Crawl, Message, Record, Transfer

# Redis gives a message out again when it was not acknowledged for so long: longer than a transfer's time box.
VISIBILITY_S = 600
PUBLISH_TIMEOUT_S = 5
# A broker that is silent for about twice as long is taken for gone, and connected to again.
HEARTBEAT_S = 10
CHILD_BEGINS_WITHIN_S = 24 * 3600
# RabbitMQ delivers a message so often when whoever has it is lost each time.
DELIVERIES_MAX = 20


class Role(StrEnum):
    """The stages that a worker serves."""

    CRAWL = "crawl"  # needs the source and the catalog
    TRANSFER = "transfer"  # needs the source and the store, and no catalog
    RECORD = "record"  # needs the catalog


KINDS: dict[Role, type[Message]] = {Role.CRAWL: Crawl, Role.TRANSFER: Transfer, Role.RECORD: Record}
_ROLES = {kind: role for role, kind in KINDS.items()}


def make_app(broker_url: str, *, prefix: str) -> Celery:
    """An application that speaks to a broker, its queues' names beginning with a prefix; nothing is asked of it yet."""
    app = Celery(prefix, broker=broker_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # A message is gone when its work is done, and not before.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # A child opens its stages first, which takes as long as the catalog is away; by default it has 4 seconds.
        worker_proc_alive_timeout=CHILD_BEGINS_WITHIN_S,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=PUBLISH_TIMEOUT_S,
        broker_heartbeat=HEARTBEAT_S,
        # The catalog sends again what could not be sent.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.2, "interval_step": 0.2},
        task_default_queue=queue(app, Role.CRAWL),
        task_queues=[_declared(queue(app, role), broker_url) for role in Role],
        task_create_missing_queues=False,
        worker_consumer="imageferry.engine.celery.consumer:PlainConsumer",
        # How workers are told which jobs are to stop: each has a mailbox, under a name of this installation's.
        worker_enable_remote_control=True,
        control_exchange=prefix,
        worker_send_task_events=False,
        **_transport(broker_url, prefix=prefix),
    )
    return app


def queue(app: Celery, role: Role) -> str:
    """The name of a role's queue, and of its task."""
    return f"{app.main}.{role}"


def publish(app: Celery, message: Message) -> None:
    """Send a message to the role that serves it; raises TransientError when the broker does not take it."""
    name = queue(app, _ROLES[type(message)])
    with broker_answers():
        app.send_task(
            name,
            args=[msgspec.to_builtins(message)],
            argsrepr="",  # Celery would write a message out for its logs, which takes as long as to send it
            queue=name,
            ignore_result=True,
            confirm_timeout=PUBLISH_TIMEOUT_S,
        )


def received(role: Role, body: Any) -> Message:  # noqa: ANN401 - it comes from outside, and is checked here
    """The message that a task was called with; raises msgspec.ValidationError when it is none."""
    return msgspec.convert(body, KINDS[role])


def check(app: Celery) -> str:
    """The broker's URL, without secrets, once it has answered; raises FatalError when it does not."""
    with app.connection_for_write() as connection:
        url: str = connection.as_uri()
        try:
            connection.ensure_connection(max_retries=1, timeout=PUBLISH_TIMEOUT_S)
        except _broker_errors() as exc:
            message = f"The broker {url} does not answer ({exc}): check CELERY_BROKER_URL, and that it runs."
            raise FatalError(Reason.BROKER_UNAVAILABLE, message) from exc
    return url


def waiting(app: Celery) -> dict[type[Message], int]:
    """How many messages of each kind wait in a queue and were taken by no worker.

    Raises TransientError when the broker does not answer.
    """
    lengths: dict[type[Message], int] = dict.fromkeys(_ROLES, 0)
    with broker_answers(), app.connection_for_write() as connection:
        channel = connection.channel()  # one for all: each opens connections of its own to Redis
        for kind, role in _ROLES.items():
            try:
                lengths[kind] = channel.queue_declare(queue(app, role), passive=True).message_count
            except connection.channel_errors:
                # Nobody has declared it yet, and RabbitMQ has closed the channel; on Redis, it is empty.
                if not getattr(channel, "is_open", True):
                    channel = connection.channel()
    return lengths


@contextmanager
def broker_answers() -> Iterator[None]:
    """Raises TransientError when the broker does not."""
    try:
        yield
    except _broker_errors() as exc:
        raise TransientError(Reason.BROKER_UNAVAILABLE, f"The broker does not answer: {exc}.") from exc


def _broker_errors() -> tuple[type[Exception], ...]:
    """What is raised when a broker is away or refuses: kombu passes on what its libraries raise."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - long to import, and RabbitMQ needs none of it

    return KombuError, OSError, AMQPError, MessageNacked, RedisError


def _transport(broker_url: str, *, prefix: str) -> dict[str, Any]:
    if broker_url.startswith("redis"):
        options = {
            # What is taken and not acknowledged belongs to one installation, as its queues do.
            "unacked_key": f"{prefix}.unacked",
            "unacked_index_key": f"{prefix}.unacked_index",
            "unacked_mutex_key": f"{prefix}.unacked_mutex",
            "visibility_timeout": VISIBILITY_S,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": HEARTBEAT_S,
            "health_check_interval": HEARTBEAT_S,
            "socket_connect_timeout": PUBLISH_TIMEOUT_S,
            "socket_keepalive": True,
        }
        return {"broker_transport_options": options}
    # Without confirms a publish that was lost would look sent.
    return {"broker_transport_options": {"confirm_publish": True}}


def _declared(name: str, broker_url: str) -> Queue:
    # Quorum queues survive the loss of a node. RabbitMQ 4 has this limit of its own accord, 3 has none; what it
    # drops, the ledger gives out again.
    kind = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERIES_MAX}
    arguments = None if broker_url.startswith("redis") else kind
    return Queue(name, Exchange(name), name, queue_arguments=arguments)  # type: ignore[no-untyped-call] # kombu's
