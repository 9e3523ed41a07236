"""Rate limiter per client."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

CLIENTS_MAX = 10_000


class ClientRateLimiter:
    """Token bucket per client: `burst` calls at once, then `per_minute` calls a minute.

    The state is kept in this process, for the most recent clients. (The memory store of the library `limits` is
    unbounded and starts a thread for each call.)
    """

    def __init__(self, *, burst: int, per_minute: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 60 / per_minute
        self._burst_s = self._interval_s * (burst - 1)
        self._clock_s = clock_s
        # By client: the time at which its bucket will be full again.
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def retry_after_s(self, client: str) -> float:
        """Return how long the client must wait before its next call; 0 when it may call now."""
        return max(0.0, self._full_at_s.get(client, 0.0) - self._clock_s() - self._burst_s)

    def record(self, client: str) -> None:
        """Count one call of the client."""
        now_s = self._clock_s()
        self._full_at_s[client] = max(self._full_at_s.pop(client, 0.0), now_s) + self._interval_s
        if len(self._full_at_s) > CLIENTS_MAX:
            self._full_at_s.popitem(last=False)

    def acquire(self, client: str) -> float:
        """Count one call and return 0 if it is allowed now; otherwise return how long to wait."""
        retry_after_s = self.retry_after_s(client)
        if not retry_after_s:
            self.record(client)
        return retry_after_s


def client_key(scope: Scope) -> str:
    """Return the client that a request is counted for: its IPv4 address, or its /64 network of IPv6.

    An IPv6 client usually has all addresses of its /64 network.
    """
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address.packed, 64), strict=False))
    return host
