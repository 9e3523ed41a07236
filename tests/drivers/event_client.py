"""A client of the stream of events."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

PATH = "/api/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event as a client hears it."""

    event: str
    data: Any
    last_id: str  # of the stream, once it is heard


class Listener:
    """Reads a stream as browsers do (HTML, "Server-sent events")."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.last_id = ""
        self.heard: list[Heard] = []

    async def next(self) -> Heard | None:
        """The next event; None at the end of the stream."""
        said: dict[str, str] = {}
        while line := (await self._answer.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line != "\n":
                said[name] = value.removeprefix(" ")
                continue
            self.last_id = said.get("id", self.last_id)
            if "data" in said:
                self.heard.append(
                    Heard(event=said["event"], data=json.loads(said["data"]), last_id=self.last_id),
                )
                return self.heard[-1]
            said = {}
        return None

    async def until(self, event: str, **fields: object) -> Heard:
        """The next event of a name whose data holds these fields; the test's own deadline bounds the wait."""
        while (heard := await self.next()) is not None:
            if heard.event == event and heard.data | fields == heard.data:
                return heard
        raise AssertionError(f"The stream ended without {event} {fields}, but with: {self.heard}")


@asynccontextmanager
async def listening(session: aiohttp.ClientSession, last_id: str | None = None) -> AsyncIterator[Listener]:
    """A stream that is open until the context ends."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    forever = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with session.get(PATH, headers=headers, timeout=forever, read_bufsize=2**22) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream"), await answer.text()
        yield Listener(answer)
