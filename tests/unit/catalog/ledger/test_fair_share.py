"""How jobs share the window."""

from imageferry.catalog.ledger.fair_share import Claim, allot
from imageferry.model import CREDIT_MAX


def test_a_job_that_is_alone_may_fill_the_window() -> None:
    assert _credits(_claim(ready=100)) == [CREDIT_MAX]


def test_jobs_that_can_use_it_share_the_window_equally() -> None:
    assert _credits(_claim(ready=100), _claim(ready=100)) == [8, 8]


def test_what_a_small_job_does_not_need_goes_to_the_large_one() -> None:
    assert _credits(_claim(in_flight=16, ready=900), _claim(ready=1)) == [15, 1]


def test_a_higher_priority_has_what_it_can_use_and_a_lower_one_goes_on() -> None:
    assert _credits(_claim(ready=100), _claim(ready=100, priority=5), _claim(ready=100, priority=-1)) == [1, 14, 1]


def test_more_jobs_than_the_window_holds_take_turns() -> None:
    assert _credits(*_waiting(20)) == [1] * 16 + [0] * 4
    under_way = [_claim(in_flight=1, ready=5) for _ in range(10)]
    assert _credits(*under_way, *_waiting(20)) == [0] * 10 + [1] * 6 + [0] * 14


def test_a_job_whose_turn_it_is_keeps_it_while_it_is_listed() -> None:
    listed = [_claim(listing=True, had=1, served_ms=99) for _ in range(4)]
    assert _credits(*listed, *_waiting(20)) == [1] * 4 + [1] * 12 + [0] * 8


def test_of_more_jobs_than_the_window_holds_those_of_a_higher_priority_begin() -> None:
    jobs = [_claim(ready=5) for _ in range(20)] + [_claim(ready=5, priority=1, served_ms=99)]
    assert _credits(*jobs)[-1] == 1


def _waiting(number: int) -> list[Claim]:
    return [_claim(ready=5, served_ms=turn) for turn in range(number)]


def _claim(
    *, in_flight: int = 0, ready: int = 0, priority: int = 0, served_ms: int = 0, listing: bool = False, had: int = 0
) -> Claim:
    return Claim(
        job_id="",
        priority=priority,
        served_ms=served_ms,
        in_flight=in_flight,
        ready=ready,
        listing=listing,
        had=had,
    )


def _credits(*claims: Claim) -> list[int]:
    for number, claim in enumerate(claims):
        claim.job_id = f"{number:03}"
    allot(claims, window=16)
    return [claim.credit for claim in claims]
