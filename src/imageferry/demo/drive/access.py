"""Authentication of callers, and what they may access."""

import secrets
import time
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct, field

from imageferry.demo.drive.error_responses import DriveApiError, ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.tree import Tree

_RESOURCE_KEYS_HEADER = "X-Goog-Drive-Resource-Keys"


class Caller(Struct, frozen=True, kw_only=True):
    """The caller of a request."""

    account: str | None = None  # e-mail address of the access token's account; None: an API key or nothing
    all_drives: bool = False  # the request includes shared drives
    resource_keys: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def can_list(self, node: Node) -> bool:
        """Return True when the node is shared with this caller, so that listings contain it."""
        if node.sharing is Sharing.NOBODY or (node.sharing is Sharing.ACCOUNT and not self.account):
            return False
        return self.all_drives or not node.drive_id

    def can_access(self, node: Node) -> bool:
        """Return True when this caller can get the node by its ID; some nodes need a resource key for that."""
        has_key = not node.needs_resource_key or (node.id, node.resource_key) in self.resource_keys
        return has_key and self.can_list(node)

    def find(self, tree: Tree, node_id: str) -> Node:
        """Return a node. Raises DriveApiError, which doesn't distinguish missing from inaccessible nodes."""
        node = tree.get(node_id)
        if node is None or not self.can_access(node):
            raise DriveApiError(ErrorKind.NOT_FOUND, subject=node_id)
        return node


class Credentials:
    """The valid API key and access tokens."""

    def __init__(self, *, api_key: str, token_lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.api_key = api_key
        self.token_lifetime_s = token_lifetime_s
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}  # account and expiry time by token

    def issue(self, account: str) -> str:
        """Issue an access token."""
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._tokens[token] = (account, self._clock() + self.token_lifetime_s)
        return token

    def caller(self, request: web.Request) -> Caller:
        """Return the caller of a request. Raises DriveApiError when its credentials are missing or wrong."""
        account = None
        if (token := _bearer(request)) is not None:
            account = self._account(token)
        else:
            self._check_key(request.headers.get("X-Goog-Api-Key") or request.query.get("key"))
        return Caller(
            account=account,
            all_drives="true" in {request.query.get("supportsAllDrives"), request.query.get("supportsTeamDrives")},
            resource_keys=_resource_keys(request),
        )

    def _account(self, token: str) -> str:
        account, expires_at_s = self._tokens.get(token, ("", 0.0))
        if not account or self._clock() >= expires_at_s:
            raise DriveApiError(ErrorKind.BAD_CREDENTIALS)
        return account

    def _check_key(self, key: str | None) -> None:
        if key is None:
            raise DriveApiError(ErrorKind.NO_KEY)
        if key != self.api_key:
            raise DriveApiError(ErrorKind.BAD_KEY)


def public_caller(request: web.Request) -> Caller:
    """Return the caller of a public page, whose resource key is in the URL."""
    key, node_id = request.query.get("resourcekey"), request.query.get("id") or request.match_info.get("id", "")
    return Caller(resource_keys=frozenset({(node_id, key)}) if key else frozenset())


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else request.query.get("access_token")


def _resource_keys(request: web.Request) -> frozenset[tuple[str, str]]:
    header = request.headers.get(_RESOURCE_KEYS_HEADER)
    if not header:
        return frozenset()
    pairs = (pair.strip().partition("/") for pair in header.split(","))
    return frozenset((node_id, key) for node_id, _, key in pairs)
