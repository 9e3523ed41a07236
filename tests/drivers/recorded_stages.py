"""Fixed messages, and stages that yield a fixed record."""

from collections.abc import AsyncIterator

from imageferry.errors import Reason
from imageferry.model import ItemState, Message, Outcome, Record, Transfer

JOB_ID = "0b2f8d6c-5f0a-4c7e-9d3b-6a1e4f7c2d90"
TRANSFER = Transfer(job_id=JOB_ID, source="memory", batch_id=7, items=())
OUTCOMES = (
    Outcome(item_id=1, state=ItemState.STORED, size_bytes=100),
    Outcome(item_id=2, state=ItemState.STORED, size_bytes=50, transferred=False),
    Outcome(item_id=3, state=ItemState.FAILED, reason=Reason.GONE),
    Outcome(item_id=4, state=ItemState.PENDING, reason=Reason.SOURCE_UNAVAILABLE),
)
RECORD = Record(job_id=JOB_ID, batch_id=7, outcomes=OUTCOMES, is_final=True)


async def record_stage(message: Message) -> AsyncIterator[Message]:  # noqa: ARG001 - the signature of a stage
    yield RECORD


async def failing_stage(message: Message) -> AsyncIterator[Message]:
    async for output in record_stage(message):
        yield output
        raise RuntimeError("broken")
