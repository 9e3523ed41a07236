"""What every call passes through: counting, latency, quota, faults, error responses."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct, field

from imageferry.demo import response_bodies
from imageferry.demo.drive.access import Credentials
from imageferry.demo.drive.error_responses import SORRY_PAGE, DriveApiError, ErrorKind, error_body
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault, Faults
from imageferry.demo.operations import Operation, RequestLog
from imageferry.demo.quota import DriveQuota
from imageferry.demo.tree import Tree

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OverrideResponseError(Exception):
    """Ends a request with another response."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class DriveMiddleware(Struct, frozen=True, kw_only=True):
    """The state and the middleware that all calls share."""

    tree: Tree
    credentials: Credentials
    quota: DriveQuota
    latency_s: float = 0.0  # of every call
    faults: Faults = field(default_factory=Faults)
    requests: RequestLog = field(default_factory=RequestLog)

    async def begin_call(self, request: web.Request, operation: Operation, node: Node | None = None) -> Fault | None:
        """Count a call, delay it and check its quota and faults. Return the fault to inject into its response.

        Raises DriveApiError or OverrideResponseError when the call fails.
        """
        self.requests.calls[operation] += 1
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if not self.quota.try_consume(operation):
            raise DriveApiError(ErrorKind.RATE_LIMIT)
        fault = self.faults.next_for(operation, node)
        if fault is None:
            return None
        if isinstance(fault.kind, ErrorKind):
            subject = node.id if node else ""
            raise DriveApiError(fault.kind, subject=subject, retry_after_s=fault.retry_after_s)
        return await _inject(request, fault)

    async def send(
        self,
        request: web.Request,
        node: Node,
        *,
        fault: Fault | None,
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """Send a file's bytes and count those sent. Raises DriveApiError when the node has none."""
        if node.content is None:
            raise DriveApiError(ErrorKind.NOT_DOWNLOADABLE)
        self.requests.downloads_by_file[node.id] += 1

        def count(size_bytes: int) -> None:
            self.requests.bytes_by_file[node.id] += size_bytes

        return await response_bodies.send(request, node, node.content, fault=fault, headers=headers, on_sent=count)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Wrap every call except those of the control endpoints."""
        if request.path.startswith("/_control/"):
            return await handler(request)
        with self.requests.track():
            try:
                response = await handler(request)
            except DriveApiError as error:
                response = _error_response(error)
            except OverrideResponseError as override:
                response = override.response
            self.requests.statuses[response.status] += 1
            return response


async def _inject(request: web.Request, fault: Fault) -> Fault | None:
    """Inject a fault that any response can have. Return the fault if it is of another kind."""
    match fault.kind:
        case Damage.SLOW:
            await asyncio.sleep(fault.seconds)
            return None
        case Damage.RESET_AT_START:
            response_bodies.reset(request)
            raise OverrideResponseError(web.Response())
        case Damage.REDIRECT:
            raise OverrideResponseError(web.Response(status=302, headers={"Location": fault.location}))
        case Damage.HTML:
            raise OverrideResponseError(web.Response(text=SORRY_PAGE, content_type="text/html"))
        case Damage.ERROR_JSON:
            raise OverrideResponseError(web.json_response(error_body(ErrorKind.BACKEND)[1]))
        case _:
            return fault


def _error_response(error: DriveApiError) -> web.Response:
    status, body = error_body(error.kind, subject=error.subject)
    headers = {}
    if error.retry_after_s is not None:
        headers[hdrs.RETRY_AFTER] = f"{error.retry_after_s:g}"
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    return web.Response(
        status=status,
        body=msgspec.json.format(msgspec.json.encode(body)),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )
