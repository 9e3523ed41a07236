"""Which calls a fault strikes, and which a quota refuses."""

import pytest

from imageferry.demo.drive.refusals import WORDINGS, Refusal, answer
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault, Faults
from imageferry.demo.operations import Operation, Requests
from imageferry.demo.quota import Quota

NODE = Node(id="1file", name="a.jpg", mime_type="image/jpeg")


def test_a_fault_lets_some_calls_through_and_strikes_so_often() -> None:
    faults, fault = Faults(), Fault(kind=Damage.SHORT, after=1, times=2)
    faults.add(fault)

    assert [faults.take(Operation.MEDIA, NODE) for _ in range(5)] == [None, fault, fault, None, None]
    assert faults.struck[fault] == 2


@pytest.mark.parametrize(
    ("fault", "fits"),
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
def test_a_fault_fits_calls_by_kind_and_file(fault: Fault, *, fits: bool) -> None:
    assert fault.fits(Operation.MEDIA, NODE) is fits


def test_a_probable_fault_strikes_the_same_calls_with_the_same_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add(Fault(kind=Damage.SHORT, probability=0.3))
        return [faults.take(Operation.MEDIA, NODE) is not None for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_a_cleared_fault_strikes_no_more_until_it_is_ordered_again() -> None:
    faults, fault = Faults(), Fault(kind=Damage.SHORT, times=1)
    faults.add(fault, fault)
    assert [faults.take(Operation.MEDIA, NODE) for _ in range(3)] == [fault, fault, None]

    faults.clear()
    assert faults.take(Operation.MEDIA, NODE) is None
    faults.add(fault)
    assert faults.take(Operation.MEDIA, NODE) is fault
    assert faults.struck[fault] == 3


def test_every_refusal_has_its_wording() -> None:
    assert WORDINGS.keys() == set(Refusal)
    for refusal in Refusal:
        status, body = answer(refusal, subject="1file")
        assert 400 <= status < 600
        assert "{}" not in str(body)


def test_a_quota_admits_its_rate_and_no_more() -> None:
    now_s = 0.0
    quota = Quota(scale=1.0, burst_s=1.0, clock=lambda: now_s)

    def admitted_in(seconds: int) -> int:
        nonlocal now_s
        admitted = 0
        for _ in range(seconds * 200):
            now_s += 1 / 200
            admitted += quota.admits(Operation.MEDIA)
        return admitted

    admitted_in(2)  # the burst
    assert admitted_in(60) == pytest.approx(5_000, abs=2)
    assert Quota(scale=None).admits(Operation.MEDIA)


def test_counters_add_up_and_reset() -> None:
    requests = Requests()
    requests.calls[Operation.LIST] += 1
    requests.calls[Operation.PAGE] += 2
    requests.bytes_by_file["1file"] += 10
    with requests.watch(), requests.watch():
        assert requests.in_flight == 2

    assert requests.count(Operation.LISTING) == 3
    assert requests.bytes_sent == 10
    assert requests.in_flight_peak == 2
    assert requests.snapshot()["calls"] == {"list": 1, "page": 2}
    requests.reset()
    assert (requests.count(Operation.ANY), requests.bytes_sent, requests.in_flight_peak) == (0, 0, 0)
