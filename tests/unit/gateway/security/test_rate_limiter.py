"""Rate limits per client."""

import pytest

from imageferry.gateway.security import rate_limiter
from imageferry.gateway.security.rate_limiter import ClientRateLimiter, client_key


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_is_allowed_then_one_call_per_interval() -> None:
    clock = Clock()
    limiter = ClientRateLimiter(burst=3, per_minute=60, clock_s=clock)
    assert [limiter.acquire("a") for _ in range(4)] == [0, 0, 0, pytest.approx(1)]
    clock.now_s += 1
    assert limiter.acquire("a") == 0
    assert limiter.acquire("a") == pytest.approx(1)
    clock.now_s += 100
    assert [limiter.acquire("a") for _ in range(4)] == [0, 0, 0, pytest.approx(1)]


def test_each_client_has_its_own_limit() -> None:
    limiter = ClientRateLimiter(burst=1, per_minute=1, clock_s=Clock())
    assert limiter.acquire("a") == 0
    assert limiter.acquire("a") > 0
    assert limiter.acquire("b") == 0


def test_the_number_of_remembered_clients_is_limited() -> None:
    limiter = ClientRateLimiter(burst=1, per_minute=1, clock_s=Clock())
    for client in range(rate_limiter.CLIENTS_MAX + 500):
        limiter.acquire(str(client))
    assert len(limiter._full_at_s) == rate_limiter.CLIENTS_MAX


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
def test_a_client_is_identified_by_its_ipv4_address_or_ipv6_network(host: str, client: str) -> None:
    assert client_key({"type": "http", "client": (host, 1)}) == client


def test_clients_without_an_address_share_one_limit() -> None:
    assert client_key({"type": "http", "client": None}) == ""
