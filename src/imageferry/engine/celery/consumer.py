"""Celery's consumer, which announces its worker, without delayed delivery: the ledger decides when work is due."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from celery.worker.consumer import Consumer
from kombu.asynchronous.hub import Hub
from kombu.message import Message as KombuMessage

from imageferry.engine.celery.queues import announce_regularly
from imageferry.log import log

_LOGGER = logging.getLogger(__name__)

# With it, a worker declares some thirty exchanges and queues on RabbitMQ, and warns that ours are not bound to them.
_OMITTED_STEP = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """The consumer that a worker runs."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery has no types
        """The steps that the consumer starts."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _OMITTED_STEP]  # noqa: RUF012 - declared so by Celery

    def create_task_handler(self, *options: Any) -> Callable[[KombuMessage], None]:  # noqa: ANN401 - Celery's
        """Return what Celery calls for each entry of a queue. It drops those that are no calls of our tasks.

        Celery's own handlers assume that whatever is not known to them was at least sent by Celery.
        """
        receive = super().create_task_handler(*options)

        def receive_or_drop(message: KombuMessage) -> None:
            problem = _problem_of(message, tasks=self.strategies)
            if problem is None:
                receive(message)
                return
            log.log(logging.ERROR, "message.dropped", detail=problem)
            message.reject_log_error(_LOGGER, self.connection_errors)  # type: ignore[no-untyped-call] # kombu has no types

        return receive_or_drop

    def register_with_event_loop(self, hub: Hub) -> None:
        """Start to announce the worker. Celery calls it for each connection to the broker."""
        super().register_with_event_loop(hub)
        announce_regularly(self)


def _problem_of(message: KombuMessage, *, tasks: Collection[str]) -> str | None:
    """Return why an entry of a queue is no call of a task; None if it is one."""
    headers = message.headers if isinstance(message.headers, Mapping) else {}
    task = headers.get("task")
    if not (isinstance(task, str) and task in tasks and isinstance(headers.get("id"), str)):
        return "It names no task of this worker."
    try:
        match message.decode():  # type: ignore[no-untyped-call] # kombu has no types
            case [list(arguments), dict(), dict()] if len(arguments) == 1:
                return None
    except Exception as exc:  # noqa: BLE001 - decoders raise anything on untrusted bytes
        return f"It can't be decoded: {exc!r}"
    return "It has other arguments than one message."
