"""Celery's consumer, which announces its worker, without delayed delivery: the ledger decides when work is due."""

from celery.worker.consumer import Consumer
from kombu.asynchronous.hub import Hub

from imageferry.engine.celery.queues import announce_regularly

# With it, a worker declares some thirty exchanges and queues on RabbitMQ, and warns that ours are not bound to them.
_OMITTED_STEP = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """The consumer that a worker runs."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery has no types
        """The steps that the consumer starts."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _OMITTED_STEP]  # noqa: RUF012 - declared so by Celery

    def register_with_event_loop(self, hub: Hub) -> None:
        """Start to announce the worker. Celery calls it for each connection to the broker."""
        super().register_with_event_loop(hub)
        announce_regularly(self)
