"""The stream of events: all jobs' changes on one line."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from imageferry.catalog.events.gap_tracker import LATE_MAX, Place
from imageferry.gateway.dependencies import prompt
from imageferry.gateway.event_stream.broadcaster import Feed
from imageferry.gateway.protocol.streaming import begun
from imageferry.gateway.schemas.fields import INTEGER_MAX

# No number that the catalog gives out; whoever says it has missed something.
UNKNOWN = -1
DIGITS_MAX = 20


def _running(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


EXAMPLE = 'event: images\ndata: {"job_id": "5f0c8a52-9d0c-4e43-8ba1-6a2b1f0c7d11", "stored": 78}\nid: 42\n\n'

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
async def follow_events(
    feed: Annotated[Feed, Depends(_running)],
    last_event_id: Annotated[str | None, Header()] = None,
    asked: Annotated[str | None, Query(alias="last_event_id")] = None,
) -> StreamingResponse:
    """What changes, as Server-Sent Events.

    `job` (a job as it is now), `job-removed`, `images` (more of a job's are stored), `images-deleted`, and `reset`
    (what you missed is not kept: load everything anew). With the id that was heard last, it begins with what was
    missed; else with each job that is under way.
    """
    async with prompt():
        chunks = await begun(feed.watch(_place(last_event_id or asked)))
    return EventSourceResponse(chunks, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _place(said: str | None) -> Place | None:
    """How far a client heard everything. A forged place is no error: the client is told to load everything anew."""
    if not said:
        return None
    numbers = said.split(".", LATE_MAX + 1)
    if any(not (number.isascii() and number.isdecimal() and len(number) < DIGITS_MAX) for number in numbers):
        return Place(UNKNOWN)
    last_id, *late = (min(int(number), INTEGER_MAX) for number in numbers)
    return Place(last_id, tuple(late))
