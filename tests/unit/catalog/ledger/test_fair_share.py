"""How jobs share the batches in flight, of which these tests allow 16."""

from imageferry.catalog.ledger.fair_share import JobDemand, allocate
from imageferry.model import CREDIT_MAX


def test_a_single_job_may_use_all_batches_in_flight() -> None:
    assert _credits(_demand(ready=100)) == [CREDIT_MAX]


def test_jobs_with_enough_work_share_equally() -> None:
    assert _credits(_demand(ready=100), _demand(ready=100)) == [8, 8]


def test_what_a_small_job_does_not_need_goes_to_the_large_one() -> None:
    assert _credits(_demand(in_flight=16, ready=900), _demand(ready=1)) == [15, 1]


def test_a_higher_priority_gets_what_it_can_use_and_a_lower_one_keeps_one_batch() -> None:
    assert _credits(_demand(ready=100), _demand(ready=100, priority=5), _demand(ready=100, priority=-1)) == [1, 14, 1]


def test_more_jobs_than_batches_in_flight_take_turns() -> None:
    assert _credits(*_waiting(20)) == [1] * 16 + [0] * 4
    running = [_demand(in_flight=1, ready=5) for _ in range(10)]
    assert _credits(*running, *_waiting(20)) == [0] * 10 + [1] * 6 + [0] * 14


def test_a_job_keeps_its_turn_while_it_is_being_listed() -> None:
    listed = [_demand(is_listing=True, previous_credit=1, credited_at_ms=99) for _ in range(4)]
    assert _credits(*listed, *_waiting(20)) == [1] * 4 + [1] * 12 + [0] * 8


def test_a_higher_priority_takes_its_turn_first() -> None:
    jobs = [_demand(ready=5) for _ in range(20)] + [_demand(ready=5, priority=1, credited_at_ms=99)]
    assert _credits(*jobs)[-1] == 1


def _waiting(number: int) -> list[JobDemand]:
    return [_demand(ready=5, credited_at_ms=turn) for turn in range(number)]


def _demand(
    *,
    in_flight: int = 0,
    ready: int = 0,
    priority: int = 0,
    credited_at_ms: int = 0,
    is_listing: bool = False,
    previous_credit: int = 0,
) -> JobDemand:
    return JobDemand(
        job_id="",
        priority=priority,
        credited_at_ms=credited_at_ms,
        in_flight=in_flight,
        ready=ready,
        is_listing=is_listing,
        previous_credit=previous_credit,
    )


def _credits(*demands: JobDemand) -> list[int]:
    for number, demand in enumerate(demands):
        demand.job_id = f"{number:03}"
    allocate(demands, batches_in_flight_max=16)
    return [demand.credit for demand in demands]
