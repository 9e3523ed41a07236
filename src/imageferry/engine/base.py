"""The interface that every engine implements, and the stages that it runs."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from imageferry.model import Crawl, Message

# A stage never sends: it yields the messages that follow, and the engine delivers them.
Stage = Callable[[Any], AsyncIterator[Message]]
# The stages that a process runs, by the class of their messages, with their dependencies already bound.
Stages = Mapping[type[Message], Stage]


class Engine(Protocol):
    """Delivers messages to stages and sends what they yield, until it is stopped.

    A message may be lost, duplicated or late: the catalog is the source of truth, and the sweep dispatches again what
    has waited too long.
    """

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
