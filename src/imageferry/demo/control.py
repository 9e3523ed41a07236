"""HTTP endpoints through which another process reads the counters and injects faults."""

from functools import reduce
from operator import or_

import msgspec
from aiohttp import web

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.middleware import DriveMiddleware
from imageferry.demo.operations import Operation


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
        """Convert to a Fault. Raises KeyError or ValueError for unknown names."""
        kind = ErrorKind(self.kind) if self.kind in set(ErrorKind) else Damage(self.kind)
        on = reduce(or_, (Operation[name.upper()] for name in self.on))
        return Fault(**{**msgspec.structs.asdict(self), "kind": kind, "on": on})


class ControlEndpoints:
    """Endpoints below `/_control/`, which Drive does not have."""

    def __init__(self, middleware: DriveMiddleware) -> None:
        self._middleware = middleware

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_control/requests", self.requests),
            web.delete("/_control/requests", self.reset),
            web.post("/_control/faults", self.add_faults),
            web.delete("/_control/faults", self.clear_faults),
        ]

    async def requests(self, _: web.Request) -> web.Response:
        """Return the request log and how often each fault was injected."""
        injected = [
            {"kind": fault.kind, "file": fault.file, "count": count}
            for fault, count in self._middleware.faults.injected.items()
        ]
        return web.json_response({**self._middleware.requests.snapshot(), "faults": injected})

    async def reset(self, _: web.Request) -> web.Response:
        """Reset the request log."""
        self._middleware.requests.reset()
        return web.Response(status=204)

    async def add_faults(self, request: web.Request) -> web.Response:
        """Add a fault, or a list of faults."""
        try:
            specs = msgspec.json.decode(await request.read(), type=FaultSpec | list[FaultSpec])
            faults = [spec.fault() for spec in (specs if isinstance(specs, list) else [specs])]
        except (KeyError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._middleware.faults.add(*faults)
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Remove all faults."""
        self._middleware.faults.clear()
        return web.Response(status=204)
