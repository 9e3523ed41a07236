"""A client of the event stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

PATH = "/api/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """An event as a client receives it."""

    event: str
    data: Any
    last_id: str  # of the stream, after this event


class EventStreamReader:
    """Reads an event stream as browsers do (HTML standard, "Server-sent events")."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.last_id = ""
        self.received: list[ReceivedEvent] = []

    async def next_event(self) -> ReceivedEvent | None:
        """Return the next event; None at the end of the stream."""
        fields: dict[str, str] = {}
        while line := (await self._response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line != "\n":
                fields[name] = value.removeprefix(" ")
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                self.received.append(
                    ReceivedEvent(event=fields["event"], data=json.loads(fields["data"]), last_id=self.last_id),
                )
                return self.received[-1]
            fields = {}
        return None

    async def wait_for(self, event: str, **fields: object) -> ReceivedEvent:
        """Return the next event with this name and these fields in its data; the test's timeout bounds the wait."""
        while (received := await self.next_event()) is not None:
            if received.event == event and received.data | fields == received.data:
                return received
        raise AssertionError(f"The stream ended without {event} {fields}, but with: {self.received}")


@asynccontextmanager
async def open_event_stream(
    session: aiohttp.ClientSession, last_id: str | None = None
) -> AsyncIterator[EventStreamReader]:
    """Open the event stream until the context ends."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    no_timeout = aiohttp.ClientTimeout(total=None)
    async with session.get(PATH, headers=headers, timeout=no_timeout, read_bufsize=2**22) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream"), await response.text()
        yield EventStreamReader(response)
