"""The event stream: changes of all jobs and images in one stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from imageferry.catalog.events.gap_tracker import SKIPPED_MAX, EventOffset
from imageferry.gateway.dependencies import Gateway, GatewayDep, with_deadline
from imageferry.gateway.schemas.fields import INTEGER_MAX
from imageferry.gateway.security.authentication import SESSION_STATE
from imageferry.gateway.security.stream_slots import StreamKind

# Not an id of the catalog, so a client with this offset is sent a reset.
UNKNOWN_ID = -1
DIGITS_MAX = 20

EXAMPLE = 'event: images\ndata: {"job_id": "5f0c8a52-9d0c-4e43-8ba1-6a2b1f0c7d11", "stored": 78}\nid: 42\n\n'

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
async def stream_events(
    request: Request,
    gateway: GatewayDep,
    last_event_id: Annotated[str | None, Header()] = None,
    last_event_id_query: Annotated[str | None, Query(alias="last_event_id")] = None,
) -> StreamingResponse:
    """Stream changes as server-sent events.

    `job` (a job's current state), `job-removed`, `images` (a job stored more images), `images-deleted`, and `reset`
    (missed events are no longer available: reload everything). With the id of the last event received, the stream
    starts with the missed events; otherwise it starts with each unfinished job.
    """
    last_offset = _parse_offset(last_event_id or last_event_id_query)
    async with with_deadline():
        return await gateway.stream_slots.respond(
            StreamKind.EVENTS,
            request.scope,
            _until_signed_out(gateway.broadcaster.subscribe(last_offset), request, gateway),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )


async def _until_signed_out(
    chunks: AsyncIterator[bytes], request: Request, gateway: Gateway
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks; end at the first one after the session of the request has ended. There is one every 15 s."""
    session = getattr(request.state, SESSION_STATE, None)
    async for chunk in chunks:
        if session is not None and gateway.sessions is not None and not gateway.sessions.is_valid_session(session):
            return
        yield chunk


def _parse_offset(text: str | None) -> EventOffset | None:
    """Return the offset that an event id encodes. A malformed id is not an error: the client is sent a reset."""
    if not text:
        return None
    numbers = text.split(".", SKIPPED_MAX + 1)
    if any(not (number.isascii() and number.isdecimal() and len(number) < DIGITS_MAX) for number in numbers):
        return EventOffset(UNKNOWN_ID)
    last_id, *skipped_ids = (min(int(number), INTEGER_MAX) for number in numbers)
    return EventOffset(last_id, tuple(skipped_ids))
