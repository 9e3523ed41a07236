"""Event broadcaster: one reader of the catalog's events per process, and its subscribers."""

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
from imageferry.catalog.events.gap_tracker import SKIPPED_KEPT_S, EventOffset, GapTracker
from imageferry.clock import utc_now
from imageferry.errors import TransientError
from imageferry.gateway.event_stream.sse_frames import COMMENT, catch_up_frames, reset_frame, update_frames
from imageferry.log import log

POLL_INTERVAL_S = 0.5
# After an error of the catalog.
RETRY_DELAY_S = 2.0
# At the start, an id that was assigned longer ago than this is either committed or never will be.
START_AGE = timedelta(seconds=10)
# Missing ids that were assigned after this are still waited for.
SKIPPED_AGE_MAX = timedelta(seconds=SKIPPED_KEPT_S)
EVENTS_PER_POLL_MAX = 1_000
# A subscriber that is further behind is disconnected and must start again.
QUEUED_CHUNKS_MAX = 32
HEARTBEAT_S = 15.0
# Jobs whose number of stored files is remembered, to notice when it grows.
STORED_COUNTS_MAX = 10_000


class EventBroadcaster:
    """Reads new events once per interval and sends them to all subscribers.

    A subscriber that doesn't keep up is disconnected: each has a bounded queue, and no other subscriber waits for it.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        poll_interval_s: float = POLL_INTERVAL_S,
    ) -> None:
        self._catalog = catalog
        self._poll_interval_s = poll_interval_s
        self._gap_tracker = GapTracker(0)
        self._sent_offset = EventOffset(0)
        self._stored_counts: OrderedDict[str, int] = OrderedDict()
        self._subscribers: set[_Subscriber] = set()

    async def subscribe(self, last_offset: EventOffset | None) -> AsyncGenerator[bytes]:
        """Yield the events after `last_offset`, then new events, until the client leaves or falls behind.

        Without an offset the stream starts with the unfinished jobs.
        """
        # From here on, new events wait in the queue; earlier ones are read from the catalog.
        subscriber, newest_offset = _Subscriber(), self._sent_offset
        self._subscribers.add(subscriber)
        try:
            yield await self._catalog.read(
                partial(catch_up_frames, last_offset=last_offset, newest_offset=newest_offset)
            )
            while (chunk := await subscriber.next_chunk()) is not None:
                yield chunk
        finally:
            self._subscribers.discard(subscriber)

    async def run(self) -> None:
        """Poll the catalog until cancelled."""
        started = False
        while True:
            try:
                await (self._poll() if started else self._start())
                started = True
                await asyncio.sleep(self._poll_interval_s)
            except TransientError as exc:
                log.warning("event_stream.unavailable", detail=exc.message)
                await asyncio.sleep(RETRY_DELAY_S)
            except Exception:  # if polling stopped, subscribers would wait forever
                log.exception("event_stream.failed")
                await asyncio.sleep(RETRY_DELAY_S)

    def disconnect_all(self) -> None:
        """Disconnect all subscribers; they reconnect to the next gateway."""
        for subscriber in self._subscribers:
            subscriber.close()

    async def _start(self) -> None:
        def query(tx: Tx) -> tuple[int, list[int]]:
            first, last = (event_log.newest_id_before(tx, utc_now() - age) for age in (SKIPPED_AGE_MAX, START_AGE))
            return last, event_log.missing_ids(tx, first, last)

        last_id, skipped_ids = await self._catalog.read(query)
        self._gap_tracker = GapTracker(last_id, skipped_ids=skipped_ids, now_s=time.monotonic())
        self._sent_offset = self._gap_tracker.offset

    async def _poll(self) -> None:
        offset = self._gap_tracker.offset
        visible = await self._catalog.read(
            lambda tx: event_log.events_after(
                tx, offset.last_id, limit=EVENTS_PER_POLL_MAX, skipped_ids=offset.skipped_ids
            )
        )
        events = self._gap_tracker.take(visible, now_s=time.monotonic())
        if not events:
            return
        new_offset, stored_counts = self._gap_tracker.offset, self._grown_stored_counts(events)
        chunk = await self._render(events, stored_counts, new_offset)
        self._sent_offset = new_offset
        for subscriber in list(self._subscribers):
            if not subscriber.send(chunk, on_overflow=reset_frame(new_offset)):
                self._subscribers.discard(subscriber)

    async def _render(self, events: Sequence[Event], stored_counts: dict[str, int], offset: EventOffset) -> bytes:
        """Return the frames of events. Retry while the catalog is unavailable: events are taken only once."""
        while True:
            try:
                return await self._catalog.read(
                    partial(update_frames, events=events, stored_counts=stored_counts, offset=offset)
                )
            except TransientError as exc:
                log.warning("event_stream.unavailable", detail=exc.message)
                await asyncio.sleep(RETRY_DELAY_S)

    def _grown_stored_counts(self, events: Sequence[Event]) -> dict[str, int]:
        """Return the number of stored files of each job that stored more since the last call."""
        grown: dict[str, int] = {}
        for event in events:
            if event.job_id is None or event.stored is None:
                continue
            if event.stored > self._stored_counts.get(event.job_id, 0):
                grown[event.job_id] = event.stored
            # The number drops when the job's images are discarded.
            self._stored_counts[event.job_id] = event.stored
            self._stored_counts.move_to_end(event.job_id)
        while len(self._stored_counts) > STORED_COUNTS_MAX:
            self._stored_counts.popitem(last=False)
        return grown


class _Subscriber:
    """The bounded queue of one client."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_CHUNKS_MAX)

    def send(self, chunk: bytes, *, on_overflow: bytes) -> bool:
        """Queue a chunk. If the queue is full, close it with `on_overflow` as the last chunk and return False."""
        if self._queue.full():
            self.close(on_overflow)
            return False
        self._queue.put_nowait(chunk)
        return True

    def close(self, *last_chunks: bytes) -> None:
        """Discard the queued chunks and end the stream after `last_chunks`."""
        while not self._queue.empty():
            self._queue.get_nowait()
        for chunk in (*last_chunks, None):
            self._queue.put_nowait(chunk)

    async def next_chunk(self) -> bytes | None:
        """Return the next chunk, a comment when there is none for `HEARTBEAT_S`, or None at the end."""
        try:
            return await asyncio.wait_for(self._queue.get(), HEARTBEAT_S)
        except TimeoutError:
            return COMMENT


@asynccontextmanager
async def open_broadcaster(
    catalog: Catalog, *, poll_interval_s: float = POLL_INTERVAL_S
) -> AsyncIterator[EventBroadcaster]:
    """Yield a broadcaster that polls the catalog until the context ends."""
    broadcaster = EventBroadcaster(catalog, poll_interval_s=poll_interval_s)
    polling = asyncio.create_task(broadcaster.run())
    try:
        yield broadcaster
    finally:
        broadcaster.disconnect_all()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
