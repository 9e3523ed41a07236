"""Events each once and in their order, although their numbers may appear out of it."""

from collections.abc import Sequence
from math import inf

from msgspec import Struct

from imageferry.catalog.events.event_log import Event

# How long a number that is missing is waited for: it was given out to a transaction that is not committed yet,
# or to one that was rolled back and never will be.
HOLE_WAIT_S = 2.0
# How long it is looked for after that, and how many such numbers at most.
LATE_S = 60.0
LATE_MAX = 200


class Place(Struct, frozen=True):
    """How far somebody heard everything: up to a number, but for those that were passed over and may still appear."""

    last_id: int
    late: tuple[int, ...] = ()

    def __str__(self) -> str:
        """As clients are told it, and say it when they come back."""
        return ".".join(map(str, (self.last_id, *self.late)))


class Ordering:
    """Follows the events after one, given whatever of them can be seen at a moment."""

    def __init__(self, event_id: int, *, late: Sequence[int] = (), now_s: float = 0) -> None:
        self.last_id = event_id  # everything up to here was taken, or passed over
        self._missing_since_s: dict[int, float] = {}  # by the first number of a hole
        self._late_until_s = dict.fromkeys(late[-LATE_MAX:], now_s + LATE_S)

    @property
    def late(self) -> Sequence[int]:
        """Numbers that were passed over and may still appear."""
        return list(self._late_until_s)

    @property
    def place(self) -> Place:
        """How far it came."""
        return Place(self.last_id, tuple(self.late))

    def take(self, seen: Sequence[Event], *, now_s: float) -> list[Event]:
        """What is to be told now, of all that is seen after `last_id` and of the `late`, in the order of the ids."""
        self._late_until_s = {number: until_s for number, until_s in self._late_until_s.items() if until_s > now_s}
        taken = [event for event in seen if self._late_until_s.pop(event.id, None) is not None]
        following = [event for event in seen if event.id > self.last_id]
        self._look_for_holes(following, now_s)
        for event in following:
            hole = self.last_id + 1
            if self._missing_since_s.get(hole, -inf) > now_s - HOLE_WAIT_S:
                break
            self._pass_over(range(hole, event.id), until_s=now_s + LATE_S)
            self.last_id = event.id
            taken.append(event)
        return taken

    def _look_for_holes(self, following: Sequence[Event], now_s: float) -> None:
        before = [self.last_id, *(event.id for event in following)]
        holes = [number + 1 for number, event in zip(before, following, strict=False) if event.id > number + 1]
        self._missing_since_s = {hole: self._missing_since_s.get(hole, now_s) for hole in holes}

    def _pass_over(self, numbers: range, *, until_s: float) -> None:
        for number in numbers[-LATE_MAX:]:
            self._late_until_s[number] = until_s
        while len(self._late_until_s) > LATE_MAX:
            del self._late_until_s[next(iter(self._late_until_s))]
