"""Send one webhook message: signed, only to a permitted address, without following redirects."""

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

from imageferry.errors import UsageError
from imageferry.version import __version__
from imageferry.webhooks.addresses import is_allowed
from imageferry.webhooks.urls import validate_url

TIMEOUT = ClientTimeout(total=15, connect=5)
_HEADERS = {"Content-Type": "application/json", "User-Agent": f"imageferry/{__version__}"}


class SendResult(Struct, frozen=True, kw_only=True):
    """The result of one try."""

    status: int | None = None  # of the response; None: there was none
    detail: str | None = None  # why it failed, as one sentence; None: the receiver accepted it
    is_permanent: bool = False  # a retry would fail in the same way


class Sender:
    """Sends messages as Standard Webhooks specifies, unsigned if there is no secret.

    A connection is opened only to an address that is public or belongs to one of the `private_hosts`. The check is on
    the address to which the socket connects: a name may resolve differently from one lookup to the next.
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

    async def send(self, text: str, *, message_id: str, message: dict[str, Any]) -> SendResult:
        """Send a message to a URL. Return any failure; raise none."""
        try:
            url = validate_url(text, private_hosts=self._private_hosts)
        except UsageError as exc:
            return SendResult(detail=exc.message, is_permanent=True)
        body = json.dumps(message, separators=(",", ":"))
        guard = _AddressGuard(allow_private=url.host in self._private_hosts)
        async with self._session(guard) as session:
            try:
                headers = _HEADERS | self._signature(message_id, body)
                async with session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response:
                    return _result_of(response.status)  # the body is not read
            except TimeoutError:
                return SendResult(detail="The receiver did not answer in time.")
            except (ClientError, OSError, ValueError) as exc:
                if guard.has_refused:
                    return SendResult(
                        detail="The host name resolves to a private network, where no webhook is sent.",
                        is_permanent=True,
                    )
                return SendResult(detail=f"The receiver could not be reached ({type(exc).__name__}).")

    def _session(self, guard: "_AddressGuard") -> ClientSession:
        connector = TCPConnector(
            ssl=self._tls or ssl.create_default_context(),  # honours SSL_CERT_FILE
            resolver=self._resolver,
            use_dns_cache=False,
            socket_factory=guard.open_socket,
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


class _AddressGuard:
    """Opens sockets to permitted addresses only."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self.has_refused = False

    def open_socket(self, address: Any) -> socket.socket:  # noqa: ANN401 - as getaddrinfo returns it
        """Return a socket for an address. Raise PermissionError if it is not permitted."""
        family, kind, protocol, _, (ip, *_) = address
        if not is_allowed(ip, allow_private=self._allow_private):
            self.has_refused = True
            raise PermissionError
        return socket.socket(family, kind, protocol)


def _result_of(status: int) -> SendResult:
    if 200 <= status < 300:  # noqa: PLR2004 - success
        return SendResult(status=status)
    if status == 410:  # noqa: PLR2004 - Standard Webhooks: the receiver wants no more messages
        return SendResult(status=status, detail="The receiver no longer wants messages (410).", is_permanent=True)
    return SendResult(status=status, detail=f"The receiver answered with status {status}.")
