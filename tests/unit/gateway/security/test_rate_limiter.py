"""How often one client may do what is dear."""

import pytest

from imageferry.gateway.security import rate_limiter
from imageferry.gateway.security.rate_limiter import Rate, client_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_is_let_through_then_one_at_a_time() -> None:
    clock = Clock()
    rate = Rate(burst=3, per_minute=60, clock_s=clock)
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(1)]
    clock.now_s += 1
    assert rate.take("a") == 0
    assert rate.take("a") == pytest.approx(1)
    clock.now_s += 100
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(1)]


def test_one_clients_haste_is_not_anothers() -> None:
    rate = Rate(burst=1, per_minute=1, clock_s=Clock())
    assert rate.take("a") == 0
    assert rate.take("a") > 0
    assert rate.take("b") == 0


def test_clients_without_end_take_no_memory_without_end() -> None:
    rate = Rate(burst=1, per_minute=1, clock_s=Clock())
    for client in range(rate_limiter.CLIENTS_MAX + 500):
        rate.take(str(client))
    assert len(rate._rested_s) == rate_limiter.CLIENTS_MAX


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("unix", "unix"),
    ],
)
def test_a_client_is_its_address_or_its_network(host: str, client: str) -> None:
    assert client_of({"type": "http", "client": (host, 1)}) == client


def test_a_client_without_an_address_is_one_client() -> None:
    assert client_of({"type": "http", "client": None}) == ""
