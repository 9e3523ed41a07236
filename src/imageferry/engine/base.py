"""The interface that every engine implements, and the stages that it runs."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, Protocol

from msgspec import Struct

from imageferry.model import Crawl, Message

# A stage never sends: it yields the messages that follow, and the engine delivers them.
Stage = Callable[[Any], AsyncIterator[Message]]
# The stages that a process runs, by the class of their messages, with their dependencies already bound.
Stages = Mapping[type[Message], Stage]


class Queues(Struct, frozen=True, kw_only=True):
    """What an engine knows of the queues of its broker. Without one, nothing waits and nothing lacks a worker."""

    waiting: Collection[type[Message]] = ()  # types of messages of which some wait for a worker
    unserved: Collection[type[Message]] = ()  # types of messages that no worker has taken for a while


class Engine(Protocol):
    """Delivers messages to stages and sends what they yield, until it is stopped.

    A message may be lost, duplicated or late: the catalog is the source of truth, and the sweep dispatches again what
    has waited too long.
    """

    @property
    def workers(self) -> Mapping[type[Message], int]:
        """How many workers take each type of message, as last seen; empty without a broker."""
        ...

    async def run(self) -> None:
        """Work until `stop` is called, or until the jobs that the engine was made for are terminal.

        Stages of this process that are still running then may finish for a few seconds; the rest is requeued.
        """
        ...

    def stop(self) -> None:
        """Start nothing more; safe to call from a signal handler, and repeatedly."""
        ...

    def wake(self) -> None:
        """Sweep now: a job was just written to the catalog."""
        ...


def log_fields(message: Message) -> dict[str, object]:
    """Return the log fields that identify a message's job and folder or batch."""
    if isinstance(message, Crawl):
        return {"job_id": message.job_id, "folder_id": message.folder.id}
    return {"job_id": message.job_id, "batch_id": message.batch_id}
