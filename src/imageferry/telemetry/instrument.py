"""Instruments: wrappers that observe stages and sources without changing what they do."""

from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

from imageferry.engine.base import Stage, Stages, log_fields
from imageferry.log import bind_context
from imageferry.model import Message
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource


class Instrument:
    """An instrument that observes nothing; subclasses override what they observe."""

    def wrap_stage(self, message_type: type[Message], stage: Stage) -> Stage:  # noqa: ARG002 - subclasses use it
        """Return a stage that behaves like the given one."""
        return stage

    def wrap_source(self, source: Source, *, throttled: ThrottledSource) -> Source:  # noqa: ARG002 - subclasses use it
        """Return a source that behaves like the given one; the wrapper sees every attempt of a call.

        `throttled` has the rate limits of all calls.
        """
        return source


class LogContext(Instrument):
    """Adds the job and the batch to everything that is logged while a message is handled."""

    def wrap_stage(self, message_type: type[Message], stage: Stage) -> Stage:  # noqa: ARG002 - wraps every stage alike
        """See Instrument."""
        return partial(_with_log_context, stage)


def instrument_stages(stages: Stages, instruments: Iterable[Instrument]) -> Stages:
    """Return the stages, each wrapped by every instrument; the first is the innermost."""
    instrumented = dict(stages)
    for instrument in instruments:
        instrumented = {kind: instrument.wrap_stage(kind, stage) for kind, stage in instrumented.items()}
    return instrumented


async def _with_log_context(stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - the signature of Stage
    # Each message has its own task, which inherits the log context of the message before: replace it.
    bind_context(log_fields(message))
    async for next_message in stage(message):
        yield next_message
