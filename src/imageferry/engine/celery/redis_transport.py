"""Celery's transport over Redis, for a list that others may write to as well."""

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

from imageferry.log import log


class _Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:  # noqa: ANN401 - kombu's
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call] # kombu has no types
        except (ValueError, TypeError, LookupError, AttributeError) as exc:
            # The entry is taken from its list, but has no envelope of Celery's: kombu's own channel ends the worker.
            log.log(logging.ERROR, "message.dropped", detail=f"An entry of another program in a queue: {exc!r}")
            raise Empty from exc


class RedisTransport(redis.Transport):
    """Drops entries of a queue that are no messages."""

    Channel = _Channel
