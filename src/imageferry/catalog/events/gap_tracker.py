"""Deliver each event once, although events can become visible out of the order of their ids."""

from collections.abc import Sequence
from math import inf

from msgspec import Struct

from imageferry.catalog.events.event_log import Event

# How long delivery stops at a gap in the ids: the id belongs to a transaction that has not committed yet, or that was
# rolled back, so that the id will never appear.
GAP_WAIT_S = 2.0
# How long, and how many, skipped ids are still looked for after that.
SKIPPED_KEPT_S = 60.0
SKIPPED_MAX = 200


class EventOffset(Struct, frozen=True):
    """How far a subscriber has read: everything up to `last_id`, except `skipped_ids`, which may still appear."""

    last_id: int
    skipped_ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the offset as clients receive it and send it when they reconnect: the ids, joined by dots."""
        return ".".join(map(str, (self.last_id, *self.skipped_ids)))


class GapTracker:
    """Decides which of the visible events to deliver next, starting after `event_id`. Does no I/O."""

    def __init__(self, event_id: int, *, skipped_ids: Sequence[int] = (), now_s: float = 0) -> None:
        self.last_id = event_id  # every event up to this id was delivered or skipped
        self._gap_since_s: dict[int, float] = {}  # by the first missing id of the gap
        self._skipped_until_s = dict.fromkeys(skipped_ids[-SKIPPED_MAX:], now_s + SKIPPED_KEPT_S)

    @property
    def skipped_ids(self) -> Sequence[int]:
        """The ids up to `last_id` that were skipped and may still appear."""
        return list(self._skipped_until_s)

    @property
    def offset(self) -> EventOffset:
        """The current offset."""
        return EventOffset(self.last_id, tuple(self.skipped_ids))

    def take(self, visible: Sequence[Event], *, now_s: float) -> list[Event]:
        """Return the events to deliver now, by id.

        `visible` must hold, by id, the events after `last_id` and those of `skipped_ids` that exist by now.
        """
        self._skipped_until_s = {
            event_id: until_s for event_id, until_s in self._skipped_until_s.items() if until_s > now_s
        }
        delivered = [event for event in visible if self._skipped_until_s.pop(event.id, None) is not None]
        new = [event for event in visible if event.id > self.last_id]
        self._update_gaps(new, now_s)
        for event in new:
            next_id = self.last_id + 1
            if self._gap_since_s.get(next_id, -inf) > now_s - GAP_WAIT_S:
                break
            self._skip(range(next_id, event.id), until_s=now_s + SKIPPED_KEPT_S)
            self.last_id = event.id
            delivered.append(event)
        return delivered

    def _update_gaps(self, new: Sequence[Event], now_s: float) -> None:
        previous_ids = [self.last_id, *(event.id for event in new)]
        gaps = [previous + 1 for previous, event in zip(previous_ids, new, strict=False) if event.id > previous + 1]
        self._gap_since_s = {gap: self._gap_since_s.get(gap, now_s) for gap in gaps}

    def _skip(self, ids: range, *, until_s: float) -> None:
        for event_id in ids[-SKIPPED_MAX:]:
            self._skipped_until_s[event_id] = until_s
        while len(self._skipped_until_s) > SKIPPED_MAX:
            del self._skipped_until_s[next(iter(self._skipped_until_s))]
