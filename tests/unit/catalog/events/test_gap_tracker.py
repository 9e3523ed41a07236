"""Events whose numbers appear out of order."""

from random import Random

from imageferry.catalog.events.event_log import Event, EventKind
from imageferry.catalog.events.gap_tracker import HOLE_WAIT_S, LATE_MAX, LATE_S, Ordering


def seen(*numbers: int) -> list[Event]:
    return [Event(id=number, kind=EventKind.JOB) for number in sorted(numbers)]


def taken(ordering: Ordering, *numbers: int, at_s: float) -> list[int]:
    return [event.id for event in ordering.take(seen(*numbers), now_s=at_s)]


def test_what_is_whole_is_told_at_once() -> None:
    ordering = Ordering(4)
    assert taken(ordering, 5, 6, at_s=0) == [5, 6]
    assert taken(ordering, at_s=1) == []
    assert ordering.last_id == 6


def test_a_number_that_is_missing_is_waited_for_and_told_in_its_place() -> None:
    ordering = Ordering(0)
    assert taken(ordering, 1, 3, at_s=0) == [1]
    assert taken(ordering, 3, at_s=1) == []
    assert taken(ordering, 2, 3, at_s=1.5) == [2, 3]


def test_numbers_that_never_come_hold_up_the_others_once_and_not_one_after_the_other() -> None:
    ordering = Ordering(0)
    assert taken(ordering, 2, 4, 6, at_s=0) == []
    assert taken(ordering, 2, 4, 6, at_s=HOLE_WAIT_S) == [2, 4, 6]


def test_a_number_that_comes_late_is_told_all_the_same_and_once() -> None:
    ordering = Ordering(0)
    taken(ordering, 2, at_s=0)
    assert taken(ordering, 2, at_s=HOLE_WAIT_S) == [2]
    assert ordering.late == [1]
    assert taken(ordering, 1, at_s=10) == [1]
    assert (taken(ordering, at_s=11), ordering.late, ordering.last_id) == ([], [], 2)


def test_what_is_looked_for_is_bounded_in_number_and_time() -> None:
    ordering = Ordering(0)
    taken(ordering, 10_000, at_s=0)
    taken(ordering, 10_000, at_s=HOLE_WAIT_S)
    assert len(ordering.late) == LATE_MAX
    taken(ordering, at_s=HOLE_WAIT_S + LATE_S)
    assert ordering.late == []


def test_none_is_lost_or_told_twice_in_whatever_order_they_appear() -> None:
    for seed in range(200):
        random = Random(seed)
        appears_at_s = {number: random.random() * 20 for number in range(1, 60) if random.random() > 0.1}
        ordering, told = Ordering(0), []
        for step in range(60):
            visible = [number for number, at_s in appears_at_s.items() if at_s <= step / 2]
            late = set(ordering.late)
            told += taken(ordering, *(n for n in visible if n > ordering.last_id or n in late), at_s=step / 2)
        assert sorted(told) == sorted(appears_at_s)
