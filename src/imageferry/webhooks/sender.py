"""Sending one message: signed, to an address that was vetted, without following where it points."""

import json
import socket
import ssl
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from msgspec import Struct
from standardwebhooks import Webhook

from imageferry import __version__
from imageferry.errors import UsageError
from imageferry.webhooks.addresses import is_open_to
from imageferry.webhooks.urls import checked

TIMEOUT = ClientTimeout(total=15, connect=5)
_HEADERS = {"Content-Type": "application/json", "User-Agent": f"imageferry/{__version__}"}


class Answer(Struct, frozen=True, kw_only=True):
    """What came of a try."""

    status: int | None = None  # None: nothing was answered
    detail: str | None = None  # what was wrong; None: it was taken
    hopeless: bool = False  # another try would end the same


class Sender:
    """Sends messages as Standard Webhooks has it; unsigned where there is no secret.

    A connection is only opened to an address that is public, or belongs to one of the `private_hosts`, and it is the
    address itself that is looked at: what a name leads to may change between two looks.
    """

    def __init__(
        self,
        *,
        secret: str | None,
        private_hosts: Collection[str] = (),
        tls: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
        timeout: ClientTimeout = TIMEOUT,
    ) -> None:
        self._signer = None if secret is None else Webhook(secret)
        self._private_hosts = frozenset(private_hosts)
        self._tls = tls
        self._resolver = resolver
        self._timeout = timeout

    async def send(self, text: str, *, message_id: str, message: dict[str, Any]) -> Answer:
        """Send a message to a URL; whatever goes wrong is told, not raised."""
        try:
            url = checked(text, private_hosts=self._private_hosts)
        except UsageError as exc:
            return Answer(detail=exc.message, hopeless=True)
        body = json.dumps(message, separators=(",", ":"))
        gate = _Gate(private=url.host in self._private_hosts)
        async with self._session(gate) as session:
            try:
                headers = _HEADERS | self._signature(message_id, body)
                async with session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
                    return _answer(answer.status)  # its body is of no interest, and is not read
            except TimeoutError:
                return Answer(detail="It did not answer in time.")
            except (ClientError, OSError, ValueError) as exc:
                if gate.refused:
                    return Answer(
                        detail="Its name leads into a private network, where no webhook is sent.", hopeless=True
                    )
                return Answer(detail=f"It could not be reached ({type(exc).__name__}).")

    def _session(self, gate: "_Gate") -> ClientSession:
        connector = TCPConnector(
            ssl=self._tls or ssl.create_default_context(),  # honours SSL_CERT_FILE
            resolver=self._resolver,
            use_dns_cache=False,
            socket_factory=gate.opened,
            force_close=True,
        )
        return ClientSession(
            connector=connector, timeout=self._timeout, cookie_jar=DummyCookieJar(), auto_decompress=False
        )

    def _signature(self, message_id: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(message_id, now, body)
        return headers


class _Gate:
    """Opens sockets to addresses that may be told."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self.refused = False

    def opened(self, address: Any) -> socket.socket:  # noqa: ANN401 - as getaddrinfo answers it
        """A socket for an address; PermissionError when it may not be told."""
        family, kind, protocol, _, (ip, *_) = address
        if not is_open_to(ip, private=self._private):
            self.refused = True
            raise PermissionError
        return socket.socket(family, kind, protocol)


def _answer(status: int) -> Answer:
    if 200 <= status < 300:  # noqa: PLR2004 - success
        return Answer(status=status)
    if status == 410:  # noqa: PLR2004 - by the standard: whoever answers so wants no more of them
        return Answer(status=status, detail="It answered that it wants no messages any more (410).", hopeless=True)
    return Answer(status=status, detail=f"It answered {status} instead of taking the message.")
