"""Who calls, and what they may see."""

import secrets
import time
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct, field

from imageferry.demo.drive.refusals import Refusal, RefusedError
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.tree import Tree

_RESOURCE_KEYS_HEADER = "X-Goog-Drive-Resource-Keys"


class Caller(Struct, frozen=True, kw_only=True):
    """Whoever makes a request."""

    account: str | None = None  # e-mail address behind an access token; None: an API key, or nobody
    all_drives: bool = False  # asks for shared drives' files as well
    resource_keys: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def may_see(self, node: Node) -> bool:
        """Whether the node is shared with this caller; its folder's listing shows it then."""
        if node.sharing is Sharing.NOBODY or (node.sharing is Sharing.ACCOUNT and not self.account):
            return False
        return self.all_drives or not node.drive_id

    def sees(self, node: Node) -> bool:
        """Whether this caller reaches the node by its id, for which some need a resource key."""
        keyed = not node.needs_resource_key or (node.id, node.resource_key) in self.resource_keys
        return keyed and self.may_see(node)

    def find(self, tree: Tree, node_id: str) -> Node:
        """Raises the refusal that does not tell missing from hidden."""
        node = tree.get(node_id)
        if node is None or not self.sees(node):
            raise RefusedError(Refusal.NOT_FOUND, subject=node_id)
        return node


class Credentials:
    """The API key and the access tokens that are in force."""

    def __init__(self, *, api_key: str, token_lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.api_key = api_key
        self.token_lifetime_s = token_lifetime_s
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}  # to account and end of life

    def issue(self, account: str) -> str:
        """A new access token."""
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._tokens[token] = (account, self._clock() + self.token_lifetime_s)
        return token

    def caller(self, request: web.Request) -> Caller:
        """Raises the refusal for callers without, or with wrong, credentials."""
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
        account, ends_at_s = self._tokens.get(token, ("", 0.0))
        if not account or self._clock() >= ends_at_s:
            raise RefusedError(Refusal.BAD_CREDENTIALS)
        return account

    def _check_key(self, key: str | None) -> None:
        if key is None:
            raise RefusedError(Refusal.NO_KEY)
        if key != self.api_key:
            raise RefusedError(Refusal.BAD_KEY)


def web_visitor(request: web.Request) -> Caller:
    """Whoever looks at the public pages, where the resource key stands in the address."""
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
