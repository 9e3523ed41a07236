"""Telling refusals at random from those of a limit."""

import pytest

from imageferry.sources.background_refusals import TRIAL_S_MAX, TRIAL_S_MIN, ExcessDetector, RefusalJudge, Verdict


def verdict_on(*, before: str, slower: str, lasted_s: float = TRIAL_S_MIN) -> Verdict | None:
    """Return the first verdict on a trial; x is a refused call."""
    judge = RefusalJudge()
    for call in before:
        judge.add_in_flight(refused=call == "x")
    judge.start_trial(slowdown=0.6)
    verdicts = (judge.add_to_trial(refused=call == "x", lasted_s=lasted_s) for call in slower)
    return next((verdict for verdict in verdicts if verdict), None)


@pytest.mark.parametrize(
    ("before", "slower", "expected"),
    [
        ("....x....." * 3, "....x....." * 4, Verdict.RANDOM),  # one in ten, whatever the rate
        ("xx......x." * 3, ".........." * 3, Verdict.LIMIT),  # none any more
        ("xxxx.xxxxx" * 3, "..x......." * 3, Verdict.LIMIT),  # a limit that is far exceeded: fewer
        ("....x....." * 3, "x" * 40, Verdict.EXCESS),  # the source has closed meanwhile
        ("....x....." * 3, "....x", None),
    ],
)
def test_a_trial_finds_out_whether_slowing_down_helps(before: str, slower: str, expected: Verdict | None) -> None:
    assert verdict_on(before=before, slower=slower) is expected


def test_a_trial_without_refusals_ends_in_favour_of_a_limit() -> None:
    assert verdict_on(before="." * 10, slower=".", lasted_s=TRIAL_S_MAX) is Verdict.LIMIT


def test_any_refusal_is_one_too_many_where_none_are_usual() -> None:
    detector = ExcessDetector(0.0)
    assert not any(detector.add(refused=False) for _ in range(1_000))
    assert detector.add(refused=True)


@pytest.mark.parametrize(("calls", "within"), [("x", 8), ("..x", 200)])
def test_more_refusals_than_usual_are_noticed(calls: str, within: int) -> None:
    detector = ExcessDetector(0.1)
    assert not any(detector.add(refused=call == "x") for call in ".........x" * 500)
    assert any(detector.add(refused=call == "x") for call in (calls * within)[:within])
