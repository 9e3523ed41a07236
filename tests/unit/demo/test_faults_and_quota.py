"""Which calls a fault is injected into, and which calls a quota rejects."""

import pytest

from imageferry.demo.drive.error_responses import ERROR_TEMPLATES, ErrorKind, error_body
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault, Faults
from imageferry.demo.operations import Operation, RequestLog
from imageferry.demo.quota import DriveQuota

NODE = Node(id="1file", name="a.jpg", mime_type="image/jpeg")


def test_a_fault_is_injected_after_some_calls_and_a_limited_number_of_times() -> None:
    faults, fault = Faults(), Fault(kind=Damage.SHORT, after=1, times=2)
    faults.add(fault)

    assert [faults.next_for(Operation.MEDIA, NODE) for _ in range(5)] == [None, fault, fault, None, None]
    assert faults.injected[fault] == 2


@pytest.mark.parametrize(
    ("fault", "matches"),
    [
        (Fault(kind=Damage.SHORT), True),
        (Fault(kind=Damage.SHORT, file="1file"), True),
        (Fault(kind=Damage.SHORT, file="*.jpg"), True),
        (Fault(kind=Damage.SHORT, on=Operation.BYTES), True),
        (Fault(kind=Damage.SHORT, on=Operation.ANY), True),
        (Fault(kind=Damage.SHORT, file="b.jpg"), False),
        (Fault(kind=Damage.SHORT, on=Operation.LISTING), False),
    ],
)
def test_a_fault_matches_calls_by_kind_and_file(fault: Fault, *, matches: bool) -> None:
    assert fault.matches(Operation.MEDIA, NODE) is matches


def test_a_random_fault_is_injected_into_the_same_calls_with_the_same_seed() -> None:
    def injected_calls(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add(Fault(kind=Damage.SHORT, probability=0.3))
        return [faults.next_for(Operation.MEDIA, NODE) is not None for _ in range(200)]

    assert injected_calls(1) == injected_calls(1) != injected_calls(2)
    assert 30 < sum(injected_calls(1)) < 90


def test_a_cleared_fault_is_injected_again_only_after_it_was_added_again() -> None:
    faults, fault = Faults(), Fault(kind=Damage.SHORT, times=1)
    faults.add(fault, fault)
    assert [faults.next_for(Operation.MEDIA, NODE) for _ in range(3)] == [fault, fault, None]

    faults.clear()
    assert faults.next_for(Operation.MEDIA, NODE) is None
    faults.add(fault)
    assert faults.next_for(Operation.MEDIA, NODE) is fault
    assert faults.injected[fault] == 3


def test_every_kind_of_error_has_a_template() -> None:
    assert ERROR_TEMPLATES.keys() == set(ErrorKind)
    for kind in ErrorKind:
        status, body = error_body(kind, subject="1file")
        assert 400 <= status < 600
        assert "{}" not in str(body)


def test_a_quota_permits_exactly_its_rate() -> None:
    now_s = 0.0
    quota = DriveQuota(scale=1.0, burst_s=1.0, clock=lambda: now_s)

    def permitted_in(seconds: int) -> int:
        nonlocal now_s
        permitted = 0
        for _ in range(seconds * 200):
            now_s += 1 / 200
            permitted += quota.try_consume(Operation.MEDIA)
        return permitted

    permitted_in(2)  # the burst
    assert permitted_in(60) == pytest.approx(5_000, abs=2)
    assert DriveQuota(scale=None).try_consume(Operation.MEDIA)


def test_counters_add_up_and_reset() -> None:
    requests = RequestLog()
    requests.calls[Operation.LIST] += 1
    requests.calls[Operation.PAGE] += 2
    requests.bytes_by_file["1file"] += 10
    with requests.track(), requests.track():
        assert requests.in_flight == 2

    assert requests.count(Operation.LISTING) == 3
    assert requests.bytes_sent == 10
    assert requests.in_flight_peak == 2
    assert requests.snapshot()["calls"] == {"list": 1, "page": 2}
    requests.reset()
    assert (requests.count(Operation.ANY), requests.bytes_sent, requests.in_flight_peak) == (0, 0, 0)
