"""What every call passes through before it is answered: counting, latency, quota, faults, refusals."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct, field

from imageferry.demo import response_bodies
from imageferry.demo.drive.access import Credentials
from imageferry.demo.drive.refusals import SORRY_PAGE, Refusal, RefusedError, answer
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault, Faults
from imageferry.demo.operations import Operation, Requests
from imageferry.demo.quota import Quota
from imageferry.demo.tree import Tree

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DivertedError(Exception):
    """Ends a request with another answer than it asked for."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class FrontDesk(Struct, frozen=True, kw_only=True):
    """What all calls share."""

    tree: Tree
    credentials: Credentials
    quota: Quota
    latency_s: float = 0.0  # of every call
    faults: Faults = field(default_factory=Faults)
    requests: Requests = field(default_factory=Requests)

    async def admit(self, request: web.Request, operation: Operation, node: Node | None = None) -> Fault | None:
        """Counts a call and lets it in; what is left to go wrong with its answer is returned.

        Raises RefusedError or DivertedError when there is no answer.
        """
        self.requests.calls[operation] += 1
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if not self.quota.admits(operation):
            raise RefusedError(Refusal.RATE_LIMIT)
        fault = self.faults.take(operation, node)
        if fault is None:
            return None
        if isinstance(fault.kind, Refusal):
            subject = node.id if node else ""
            raise RefusedError(fault.kind, subject=subject, retry_after_s=fault.retry_after_s)
        return await _divert(request, fault)

    async def send(
        self,
        request: web.Request,
        node: Node,
        *,
        fault: Fault | None,
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """Answers with a file's bytes, and counts those that go out. The node must have some."""
        if node.content is None:
            raise RefusedError(Refusal.NOT_DOWNLOADABLE)
        self.requests.downloads_by_file[node.id] += 1

        def count(size_bytes: int) -> None:
            self.requests.bytes_by_file[node.id] += size_bytes

        return await response_bodies.send(request, node, node.content, fault=fault, headers=headers, sent=count)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around every call of Drive's."""
        if request.path.startswith("/_standin/"):
            return await handler(request)
        with self.requests.watch():
            try:
                response = await handler(request)
            except RefusedError as refused:
                response = _refusal(refused)
            except DivertedError as diverted:
                response = diverted.response
            self.requests.statuses[response.status] += 1
            return response


async def _divert(request: web.Request, fault: Fault) -> Fault | None:
    """Does what may happen to any answer; returns the fault when it is about one kind of answer."""
    match fault.kind:
        case Damage.SLOW:
            await asyncio.sleep(fault.seconds)
            return None
        case Damage.RESET_AT_START:
            response_bodies.reset(request)
            raise DivertedError(web.Response())
        case Damage.REDIRECT:
            raise DivertedError(web.Response(status=302, headers={"Location": fault.location}))
        case Damage.HTML:
            raise DivertedError(web.Response(text=SORRY_PAGE, content_type="text/html"))
        case Damage.ERROR_JSON:
            raise DivertedError(web.json_response(answer(Refusal.BACKEND)[1]))
        case _:
            return fault


def _refusal(refused: RefusedError) -> web.Response:
    status, body = answer(refused.refusal, subject=refused.subject)
    headers = {}
    if refused.retry_after_s is not None:
        headers[hdrs.RETRY_AFTER] = f"{refused.retry_after_s:g}"
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    return web.Response(
        status=status,
        body=msgspec.json.format(msgspec.json.encode(body)),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )
