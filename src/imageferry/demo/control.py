"""How another process looks at a stand-in and orders faults, over HTTP."""

from functools import reduce
from operator import or_

import msgspec
from aiohttp import web

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.middleware import FrontDesk
from imageferry.demo.operations import Operation


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Fault as JSON: `{"kind": "short", "on": ["media"], "times": 1}`."""

    kind: str
    on: tuple[str, ...] = ("media",)
    file: str | None = None
    after: int = 0
    times: int | None = None
    probability: float = 1.0
    seconds: float = 0.0
    retry_after_s: float | None = None
    location: str = ""

    def fault(self) -> Fault:
        """Raises KeyError or ValueError for names that there are not."""
        kind = Refusal(self.kind) if self.kind in set(Refusal) else Damage(self.kind)
        on = reduce(or_, (Operation[name.upper()] for name in self.on))
        return Fault(**{**msgspec.structs.asdict(self), "kind": kind, "on": on})


class Control:
    """Endpoints that Drive does not have."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [
            web.get("/_standin/requests", self.requests),
            web.delete("/_standin/requests", self.reset),
            web.post("/_standin/faults", self.add_faults),
            web.delete("/_standin/faults", self.clear_faults),
        ]

    async def requests(self, _: web.Request) -> web.Response:
        """What was asked and sent so far, and how often each fault struck."""
        struck = [
            {"kind": fault.kind, "file": fault.file, "count": count}
            for fault, count in self._desk.faults.struck.items()
        ]
        return web.json_response({**self._desk.requests.snapshot(), "faults": struck})

    async def reset(self, _: web.Request) -> web.Response:
        """Counts from zero."""
        self._desk.requests.reset()
        return web.Response(status=204)

    async def add_faults(self, request: web.Request) -> web.Response:
        """One fault, or a list of them."""
        try:
            orders = msgspec.json.decode(await request.read(), type=FaultOrder | list[FaultOrder])
            faults = [order.fault() for order in (orders if isinstance(orders, list) else [orders])]
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._desk.faults.add(*faults)
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Nothing goes wrong any more."""
        self._desk.faults.clear()
        return web.Response(status=204)
