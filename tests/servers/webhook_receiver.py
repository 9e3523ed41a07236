"""A receiver of webhooks on a loopback port."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme
from aiohttp import web

HOST = "hooks.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request as it arrived."""

    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class WebhookReceiver:
    """Answers each request with the next of `responses`, and repeats the last one. A float delays an empty response."""

    responses: list[web.Response | float] = field(default_factory=lambda: [web.Response()])  # a float: delay in seconds
    requests: list[ReceivedRequest] = field(default_factory=list)
    port: int = 0

    async def receive(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(ReceivedRequest(headers=dict(request.headers), body=await request.read()))
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, float):
            await asyncio.sleep(response)
            return web.Response()
        return web.Response(status=response.status, headers=response.headers, body=response.body)


@asynccontextmanager
async def running_receiver(receiver: WebhookReceiver, *, tls: bool = False) -> AsyncIterator[ssl.SSLContext | None]:
    """Run a receiver until the context ends. Yield a TLS context that trusts it; None without TLS."""
    server, client = None, None
    if tls:
        authority = trustme.CA()
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert(HOST, "127.0.0.1").configure_cert(server)
        authority.configure_trust(client)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield client
    finally:
        await runner.cleanup()
