"""Watches: what looks on while stages and sources work, and changes nothing of what they do."""

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

from imageferry.engine.base import Stage, Stages, about
from imageferry.log import all_is_about
from imageferry.model import Message
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource


class Watch:
    """One that sees nothing; others see more."""

    def around_stage(self, kind: type[Message], stage: Stage) -> Stage:  # noqa: ARG002 - for those that see more
        """A stage that does what the given one does, seen."""
        return stage

    def around_source(self, source: Source, *, paced: ThrottledSource) -> Source:  # noqa: ARG002 - the same
        """A source that does what the given one does, seen: every try of a call, and the pace of them all."""
        return source


class LogWatch(Watch):
    """Has all that is logged while a message is worked on name the job and the batch."""

    def around_stage(self, kind: type[Message], stage: Stage) -> Stage:  # noqa: ARG002 - the same for all
        """See Watch."""
        return partial(_named, stage)


def watched(stages: Stages, watches: Iterable[Watch]) -> Stages:
    """The stages, with every watch around each; the first of them innermost."""
    seen = dict(stages)
    for watch in watches:
        seen = {kind: watch.around_stage(kind, stage) for kind, stage in seen.items()}
    return seen


async def _named(stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - as Stage has it
    # A delivery is a task of its own; what was bound in the task that began it is another message's.
    all_is_about(about(message))
    async for following in stage(message):
        yield following
