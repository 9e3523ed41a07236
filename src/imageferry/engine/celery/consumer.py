"""Celery's consumer without its delayed deliveries: the ledger knows when work is due."""

from celery.worker.consumer import Consumer

# Else a worker declares some thirty exchanges and queues on RabbitMQ, and warns that ours are not bound to them.
_LEFT_OUT = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """The consumer that a worker runs."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # the same
        """What it is built of."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _LEFT_OUT]  # noqa: RUF012 - Celery's
