"""The Celery application: a task and a queue per stage, configured so that no work is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import msgspec
from amqp.exceptions import AMQPError, MessageNacked
from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError

from imageferry.engine.celery.connections import ConnectedApp
from imageferry.errors import FatalError, Reason, TransientError
from imageferry.model import Crawl, Message, Record, Transfer

# Redis redelivers a message that was not acknowledged for this long: longer than a transfer may take.
VISIBILITY_S = 600
PUBLISH_TIMEOUT_S = 5
# A connection on which the broker is silent for about twice as long is closed and opened again.
HEARTBEAT_S = 10
CHILD_START_S_MAX = 24 * 3600
# What a Redis that answers says, and what that means.
_REDIS_ERRORS = {
    "maxmemory": "is full. Raise the maxmemory of its Redis, or free some of it",
    "MISCONF": "can't save its data. Check the disk of its Redis",
    "read only replica": "is a replica. Name its primary",
    "Authentication required": "wants a password: redis://:password@host",
    "invalid username-password": "refuses the user name or the password",
    "has no permissions": "does not permit this user all commands, keys and channels",
}
# RabbitMQ delivers a message at most this often when its consumer is lost each time.
DELIVERIES_MAX = 20


class Role(StrEnum):
    """The stages that a worker runs."""

    CRAWL = "crawl"  # needs the source and the catalog
    TRANSFER = "transfer"  # needs the source and the store, but no catalog
    RECORD = "record"  # needs the catalog


MESSAGE_TYPES: dict[Role, type[Message]] = {Role.CRAWL: Crawl, Role.TRANSFER: Transfer, Role.RECORD: Record}
_ROLES = {message_type: role for role, message_type in MESSAGE_TYPES.items()}


def make_app(broker_url: str, *, prefix: str) -> Celery:
    """Return an application for a broker, without connecting. The names of its queues begin with `prefix`."""
    app = ConnectedApp(prefix, broker_url=broker_url)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # A message is removed from its queue when its work is done, not before.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # A worker process opens its stages first, and waits for an unavailable catalog. The default is 4 seconds.
        worker_proc_alive_timeout=CHILD_START_S_MAX,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=PUBLISH_TIMEOUT_S,
        broker_heartbeat=HEARTBEAT_S,
        # Few retries here: the sweep sends again what could not be sent.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.2, "interval_step": 0.2},
        task_default_queue=queue_name(app, Role.CRAWL),
        task_queues=[_declare_queue(queue_name(app, role), broker_url) for role in Role],
        task_create_missing_queues=False,
        worker_consumer="imageferry.engine.celery.consumer:PlainConsumer",
        # Remote control tells workers which jobs must stop. Each has a mailbox, named after this installation.
        worker_enable_remote_control=True,
        control_exchange=prefix,
        worker_send_task_events=False,
        **_transport(broker_url, prefix=prefix),
    )
    return app


def queue_name(app: Celery, role: Role) -> str:
    """Return the name of a role's queue and of its task."""
    return f"{app.main}.{role}"


def publish(app: Celery, message: Message) -> None:
    """Send a message to the role that handles it. Raises TransientError when the broker does not accept it."""
    name = queue_name(app, _ROLES[type(message)])
    with broker_errors_translated():
        app.send_task(
            name,
            args=[msgspec.to_builtins(message)],
            argsrepr="",  # or Celery formats the message for its logs, which takes as long as sending it
            queue=name,
            ignore_result=True,
            confirm_timeout=PUBLISH_TIMEOUT_S,
        )


def decode_message(role: Role, body: Any) -> Message:  # noqa: ANN401 - untrusted, and validated here
    """Return the message that a task was called with. Raises msgspec.ValidationError when it is not one."""
    return msgspec.convert(body, MESSAGE_TYPES[role])


def check_broker(app: Celery) -> str:
    """Connect to the broker and return its URL without secrets. Raises FatalError when it does not take messages."""
    with app.connection_for_write() as connection:
        url: str = connection.as_uri()
        try:
            connection.ensure_connection(max_retries=1, timeout=PUBLISH_TIMEOUT_S)
            if url.startswith("redis"):
                write_probe(connection.default_channel.client, app)
        except _broker_errors() as exc:
            message = f"{_explain(exc, broker=f'The broker {url}')} Check CELERY_BROKER_URL."
            raise FatalError(Reason.BROKER_UNAVAILABLE, message) from exc
    return url


def write_probe(redis: Any, app: Celery) -> None:  # noqa: ANN401 - a client of the redis library
    """Write to a Redis, which may answer although it takes nothing. Raises its error."""
    redis.set(f"{app.main}.check", "", ex=1)


@contextmanager
def broker_errors_translated() -> Iterator[None]:
    """Raise TransientError in place of the errors of broker libraries."""
    try:
        yield
    except _broker_errors() as exc:
        raise TransientError(Reason.BROKER_UNAVAILABLE, _explain(exc, broker="The broker")) from exc


def _explain(error: Exception, *, broker: str) -> str:
    """Return what is wrong with a broker, and what to do."""
    for text, sentence in _REDIS_ERRORS.items():
        if text in str(error):
            return f"{broker} {sentence} ({error})."
    return f"{broker} can't be reached ({error}). Check that it is running."


def _broker_errors() -> tuple[type[Exception], ...]:
    """Return what is raised when a broker is unavailable or refuses: kombu passes on its libraries' errors."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - long to import, and not needed with RabbitMQ

    return KombuError, OSError, AMQPError, MessageNacked, RedisError


def _transport(broker_url: str, *, prefix: str) -> dict[str, Any]:
    if broker_url.startswith("redis"):
        options = {
            # Unacknowledged messages belong to one installation, like its queues.
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
    # Without confirms, a message that was lost would seem to be sent.
    return {"broker_transport_options": {"confirm_publish": True}}


def _declare_queue(name: str, broker_url: str) -> Queue:
    # Quorum queues survive the loss of a node. The limit is the default of RabbitMQ 4; version 3 has none. The ledger
    # dispatches again what the broker drops.
    quorum = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERIES_MAX}
    arguments = None if broker_url.startswith("redis") else quorum
    return Queue(name, Exchange(name), name, queue_arguments=arguments)  # type: ignore[no-untyped-call] # kombu has no types
