"""Events whose ids become visible out of order."""

from random import Random

from imageferry.catalog.events.event_log import Event, EventKind
from imageferry.catalog.events.gap_tracker import GAP_WAIT_S, SKIPPED_KEPT_S, SKIPPED_MAX, GapTracker


def take(tracker: GapTracker, *visible_ids: int, at_s: float) -> list[int]:
    visible = [Event(id=event_id, kind=EventKind.JOB) for event_id in sorted(visible_ids)]
    return [event.id for event in tracker.take(visible, now_s=at_s)]


def test_events_without_a_gap_are_delivered_at_once() -> None:
    tracker = GapTracker(4)
    assert take(tracker, 5, 6, at_s=0) == [5, 6]
    assert take(tracker, at_s=1) == []
    assert tracker.last_id == 6


def test_a_missing_id_is_waited_for_and_delivered_in_order() -> None:
    tracker = GapTracker(0)
    assert take(tracker, 1, 3, at_s=0) == [1]
    assert take(tracker, 3, at_s=1) == []
    assert take(tracker, 2, 3, at_s=1.5) == [2, 3]


def test_several_ids_that_never_appear_are_waited_for_together() -> None:
    tracker = GapTracker(0)
    assert take(tracker, 2, 4, 6, at_s=0) == []
    assert take(tracker, 2, 4, 6, at_s=GAP_WAIT_S) == [2, 4, 6]


def test_a_skipped_id_that_appears_later_is_delivered_once() -> None:
    tracker = GapTracker(0)
    take(tracker, 2, at_s=0)
    assert take(tracker, 2, at_s=GAP_WAIT_S) == [2]
    assert tracker.skipped_ids == [1]
    assert take(tracker, 1, at_s=10) == [1]
    assert (take(tracker, at_s=11), tracker.skipped_ids, tracker.last_id) == ([], [], 2)


def test_skipped_ids_are_bounded_in_number_and_time() -> None:
    tracker = GapTracker(0)
    take(tracker, 10_000, at_s=0)
    take(tracker, 10_000, at_s=GAP_WAIT_S)
    assert len(tracker.skipped_ids) == SKIPPED_MAX
    take(tracker, at_s=GAP_WAIT_S + SKIPPED_KEPT_S)
    assert tracker.skipped_ids == []


def test_every_event_is_delivered_once_in_any_order_of_appearance(rng: Random) -> None:
    for _ in range(200):
        visible_at_s = {event_id: rng.random() * 20 for event_id in range(1, 60) if rng.random() > 0.1}
        tracker, delivered = GapTracker(0), []
        for step in range(60):
            now_s = step / 2
            skipped = set(tracker.skipped_ids)
            visible = [event_id for event_id, at_s in visible_at_s.items() if at_s <= now_s]
            requested = [event_id for event_id in visible if event_id > tracker.last_id or event_id in skipped]
            delivered += take(tracker, *requested, at_s=now_s)
        assert sorted(delivered) == sorted(visible_at_s)
