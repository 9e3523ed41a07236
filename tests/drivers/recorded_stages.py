"""Messages and stages of nothing else but themselves."""

from collections.abc import AsyncIterator
from uuid import uuid4

from imageferry.errors import Reason
from imageferry.model import ItemState, Message, Outcome, Record, Transfer

JOB_ID = str(uuid4())
TRANSFER = Transfer(job_id=JOB_ID, source="memory", batch_id=7, parcels=())
OUTCOMES = (
    Outcome(item_id=1, state=ItemState.STORED, size_bytes=100),
    Outcome(item_id=2, state=ItemState.STORED, size_bytes=50, moved=False),
    Outcome(item_id=3, state=ItemState.FAILED, reason=Reason.GONE),
    Outcome(item_id=4, state=ItemState.PENDING, reason=Reason.SOURCE_UNAVAILABLE),
)
RECORD = Record(job_id=JOB_ID, batch_id=7, outcomes=OUTCOMES, final=True)


async def tells(message: Message) -> AsyncIterator[Message]:  # noqa: ARG001 - as every stage
    yield RECORD


async def breaks(message: Message) -> AsyncIterator[Message]:
    async for following in tells(message):
        yield following
        raise RuntimeError("broken")
