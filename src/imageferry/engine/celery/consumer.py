"""Celery's consumer without delayed delivery: the ledger decides when work is due."""

from celery.worker.consumer import Consumer

# With it, a worker declares some thirty exchanges and queues on RabbitMQ, and warns that ours are not bound to them.
_OMITTED_STEP = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class PlainConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """The consumer that a worker runs."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery has no types
        """The steps that the consumer starts."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _OMITTED_STEP]  # noqa: RUF012 - declared so by Celery
