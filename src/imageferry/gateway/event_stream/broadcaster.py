"""The feed: one reader of the catalog's events in a process, and whoever watches."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.events.event_log import Event
from imageferry.catalog.events.gap_tracker import LATE_S, Ordering, Place
from imageferry.clock import utc_now
from imageferry.errors import Reason, TransientError
from imageferry.gateway.event_stream.sse_frames import COMMENT, missed, opening, telling
from imageferry.log import log

TICK_S = 0.5
# How long to rest when the catalog is away.
REST_S = 2.0
# At the start: numbers that were given out this long ago are committed by now, or never will be.
BEGIN_BEFORE = timedelta(seconds=10)
# Those after this are waited for even now.
LATE_BEFORE = timedelta(seconds=LATE_S)
EVENTS_AT_ONCE_MAX = 1_000
WATCHERS_MAX = 2_000
# Ticks that a watcher may be behind; then it is cut off, and begins anew.
TICKS_BEHIND_MAX = 32
SILENCE_S_MAX = 15.0
# Jobs whose stored files are remembered, to tell when there are more.
STORED_MAX = 10_000


class Feed:
    """Reads what changed once a tick, however many watch, and hands it to each of them.

    A watcher that does not keep up is cut off: it costs a bounded queue, and nobody waits for it.
    """

    def __init__(self, catalog: Catalog, *, tick_s: float = TICK_S) -> None:
        self._catalog = catalog
        self._tick_s = tick_s
        self._ordering = Ordering(0)
        self._told = Place(0)
        self._stored: OrderedDict[str, int] = OrderedDict()
        self._watchers: set[_Watcher] = set()

    async def watch(self, heard: Place | None) -> AsyncGenerator[bytes]:
        """What a client hears until it leaves or falls behind: first what it missed, then what happens.

        Raises TransientError when too many watch already.
        """
        if len(self._watchers) >= WATCHERS_MAX:
            message = f"{WATCHERS_MAX:,} clients follow the events already: try again later."
            raise TransientError(Reason.RATE_LIMITED, message, retry_after_s=SILENCE_S_MAX)
        # Whatever is told from here on waits in the queue; what was told before is read from the catalog.
        watcher, at = _Watcher(), self._told
        self._watchers.add(watcher)
        try:
            yield await self._catalog.read(partial(opening, heard=heard, at=at))
            while (chunk := await watcher.next()) is not None:
                yield chunk
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Read, tick after tick, until cancelled."""
        begun = False
        while True:
            try:
                await (self._tick() if begun else self._begin())
                begun = True
                await asyncio.sleep(self._tick_s)
            except TransientError as exc:
                log.warning("feed.away", detail=exc.message)
                await asyncio.sleep(REST_S)
            except Exception:  # those who watch would wait for ever
                log.exception("feed.failed")
                await asyncio.sleep(REST_S)

    def stop(self) -> None:
        """Let go of all who watch; they come back to whoever serves next."""
        for watcher in self._watchers:
            watcher.end()

    async def _begin(self) -> None:
        def look(tx: Tx) -> tuple[int, list[int]]:
            first, last = (event_log.begun_before(tx, utc_now() - ago) for ago in (LATE_BEFORE, BEGIN_BEFORE))
            return last, event_log.missing(tx, first, last)

        last_id, late = await self._catalog.read(look)
        self._ordering = Ordering(last_id, late=late, now_s=time.monotonic())
        self._told = self._ordering.place

    async def _tick(self) -> None:
        place = self._ordering.place
        seen = await self._catalog.read(
            lambda tx: event_log.after(tx, place.last_id, limit=EVENTS_AT_ONCE_MAX, late=place.late)
        )
        happened = self._ordering.take(seen, now_s=time.monotonic())
        if not happened:
            return
        at, stored = self._ordering.place, self._more_stored(happened)
        chunk = await self._persistently(happened, stored, at)
        self._told = at
        for watcher in list(self._watchers):
            if not watcher.tell(chunk, missed=missed(at)):
                self._watchers.discard(watcher)

    async def _persistently(self, happened: Sequence[Event], stored: dict[str, int], at: Place) -> bytes:
        """The chunk that tells of it, however long the catalog is away meanwhile: what was taken is not taken again."""
        while True:
            try:
                return await self._catalog.read(partial(telling, happened=happened, stored=stored, at=at))
            except TransientError as exc:
                log.warning("feed.away", detail=exc.message)
                await asyncio.sleep(REST_S)

    def _more_stored(self, happened: Sequence[Event]) -> dict[str, int]:
        """The jobs that have more files stored than was told last, and how many."""
        more: dict[str, int] = {}
        for event in happened:
            if event.job_id is None or event.stored is None:
                continue
            if event.stored > self._stored.get(event.job_id, 0):
                more[event.job_id] = event.stored
            # Fewer, once they are discarded.
            self._stored[event.job_id] = event.stored
            self._stored.move_to_end(event.job_id)
        while len(self._stored) > STORED_MAX:
            self._stored.popitem(last=False)
        return more


class _Watcher:
    """A client's queue, bounded."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(TICKS_BEHIND_MAX)

    def tell(self, chunk: bytes, *, missed: bytes) -> bool:
        """Give it a chunk; False when it was too far behind, and is cut off."""
        if self._waiting.full():
            self.end(missed)
            return False
        self._waiting.put_nowait(chunk)
        return True

    def end(self, *last_words: bytes) -> None:
        """Drop what waits, and hang up."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        for chunk in (*last_words, None):
            self._waiting.put_nowait(chunk)

    async def next(self) -> bytes | None:
        """The next chunk, or a sign of life when there is none for long; None at the end."""
        try:
            return await asyncio.wait_for(self._waiting.get(), SILENCE_S_MAX)
        except TimeoutError:
            return COMMENT


@asynccontextmanager
async def feeding(catalog: Catalog, *, tick_s: float = TICK_S) -> AsyncIterator[Feed]:
    """A feed that reads until the context ends."""
    feed = Feed(catalog, tick_s=tick_s)
    reading = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        feed.stop()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
