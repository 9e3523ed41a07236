"""The port that every engine implements, and the stages that it serves."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from imageferry.model import Crawl, Message

# A stage never sends: it yields the messages that follow, and the engine delivers them.
Stage = Callable[[Any], AsyncIterator[Message]]
# The stages that a process serves, by the class of their messages, with everything they lean on already given.
Stages = Mapping[type[Message], Stage]


class Engine(Protocol):
    """Delivers messages to stages and sends what they yield, until it is stopped.

    A message may be lost, doubled or late: the catalog is the truth, and a sweep gives out again what has
    waited too long.
    """

    async def run(self) -> None:
        """Work until `stop` is called, then give back what is under way and return."""
        ...

    def stop(self) -> None:
        """Begin nothing any more; safe to call from a signal handler, and again."""
        ...

    def nudge(self) -> None:
        """Look into the catalog now: somebody has just written a job."""
        ...


def about(message: Message) -> dict[str, object]:
    """What a message is about, as fields of a log's event."""
    if isinstance(message, Crawl):
        return {"job_id": message.job_id, "folder_id": message.folder.id}
    return {"job_id": message.job_id, "batch_id": message.batch_id}
