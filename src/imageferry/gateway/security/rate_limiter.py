"""How often one client may do what is dear."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

CLIENTS_MAX = 10_000


class Rate:
    """So many times at once, and so many a minute from then on, for each client.

    Kept in this process, for the clients seen last. (The memory store of `limits` has no bound, and starts a thread
    for each call.)
    """

    def __init__(self, *, burst: int, per_minute: float, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 60 / per_minute
        self._room_s = self._interval_s * (burst - 1)
        self._clock_s = clock_s
        # Of each client: when it will have been idle for long enough to have its whole burst again.
        self._rested_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """How long the client must wait before its next time; 0: not at all."""
        return max(0.0, self._rested_s.get(client, 0.0) - self._clock_s() - self._room_s)

    def count(self, client: str) -> None:
        """The client does it once."""
        now_s = self._clock_s()
        self._rested_s[client] = max(self._rested_s.pop(client, 0.0), now_s) + self._interval_s
        if len(self._rested_s) > CLIENTS_MAX:
            self._rested_s.popitem(last=False)

    def take(self, client: str) -> float:
        """Count one time if it is allowed now, and tell 0; else how long to wait."""
        wait_s = self.wait_s(client)
        if not wait_s:
            self.count(client)
        return wait_s


def client_of(scope: Scope) -> str:
    """Whom a request is counted for: its address, and of IPv6 the network, of which a client has all addresses."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address.packed, 64), strict=False))
    return host
