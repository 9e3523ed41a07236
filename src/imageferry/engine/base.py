"""The port that every engine implements, and the stages that it serves."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from imageferry.model import Crawl, Message, Record, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The stage functions, with everything they lean on already given to them.

    A stage never sends: it yields the messages that follow, and the engine delivers them.
    """

    crawl: Callable[[Crawl], AsyncIterator[Message]]
    transfer: Callable[[Transfer], AsyncIterator[Message]]
    record: Callable[[Record], AsyncIterator[Message]]

    def of(self, message: Message) -> AsyncIterator[Message]:
        """The messages that follow one, from the stage that it is for."""
        match message:
            case Crawl():
                return self.crawl(message)
            case Transfer():
                return self.transfer(message)
            case Record():
                return self.record(message)


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
