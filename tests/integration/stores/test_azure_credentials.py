"""Azure with signatures and identities: Azurite, and a server that issues tokens and accepts only the newest."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from imageferry.stores.azure_options import AzureAccess
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.store import PART_BYTES
from tests.servers.azurite import ACCOUNT, CONTAINER, KEY, account_signature, azurite, container_signature
from tests.servers.http_servers import LoopbackServer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with azurite() as connection_string:
        yield connection_string.partition("BlobEndpoint=")[2].rstrip(";")


@pytest.mark.parametrize("kind", ["SAS string", "SAS alone", "key"])
@pytest.mark.parametrize("storage_class", [None, "Cool"])
async def test_an_account_is_used_with_a_key_or_a_signature(
    endpoint: str, kind: str, storage_class: str | None
) -> None:
    match kind:
        case "SAS string":
            text = f"BlobEndpoint={endpoint}/;SharedAccessSignature={account_signature()}"
            access = AzureAccess(connection_string=text)
        case "SAS alone":
            access = AzureAccess(account_name=ACCOUNT, sas_token=f"?{container_signature()}", endpoint_url=endpoint)
        case _:
            access = AzureAccess(account_name=ACCOUNT, account_key=KEY, endpoint_url=endpoint)
    url = f"az://{CONTAINER}/{kind} {storage_class}"
    store = open_store(StoreConfig(url=url, azure=access, storage_class=storage_class))

    await store.put("a b/é.jpg", b"x", mime_type="image/jpeg")
    await store.put_stream("large.jpg", parts(), mime_type="image/jpeg")
    assert b"".join([chunk async for chunk in store.read("a b/é.jpg")]) == b"x"
    assert await store.head("large.jpg") is not None
    assert await store.signed_url("large.jpg", valid_s=60) is None or kind == "key"
    if kind != "SAS string":
        await store.check()
        await store.delete_all(["a b/é.jpg", "large.jpg", "missing.jpg"])
        assert await store.head("large.jpg") is None


class Identity(LoopbackServer):
    """A token service and a blob service in one, on loopback. Each token is valid until the next one is issued."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, str]]] = []  # for tokens: the path, and the fields
        self.blobs: dict[str, bytes] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """See LoopbackServer."""
        router.add_post("/{tenant}/oauth2/v2.0/token", self._issue)
        router.add_get("/msi", self._issue)
        router.add_route("*", "/acct/{blob:.*}", self._serve)

    async def _issue(self, request: web.Request) -> web.Response:
        fields = dict(request.query) | {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append((request.path, fields | {"header": request.headers.get("x-identity-header", "")}))
        expiry = {"expires_in": 0, "expires_on": "1"}
        return web.json_response({"access_token": f"token-{len(self.requests)}", "token_type": "Bearer"} | expiry)

    async def _serve(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer token-{len(self.requests)}":
            return web.Response(status=401)
        if request.method == "PUT":
            self.blobs[request.match_info["blob"]] = await request.read()
            return web.Response(status=201, headers={"ETag": '"1"', "Last-Modified": "Mon, 06 Jul 2026 10:00:00 GMT"})
        self.blobs.pop(request.match_info["blob"], None)
        return web.Response(status=202)


@pytest.fixture
async def identity(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Identity]:
    async with Identity() as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "of-the-app")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)  # of something else on the machine
        yield server


@pytest.mark.parametrize(
    ("fields", "path", "sent"),
    [
        (
            {"tenant_id": "tenant", "client_id": "me", "client_secret": "secret"},
            "/tenant/oauth2/v2.0/token",
            {"client_id": "me", "client_secret": "secret", "grant_type": "client_credentials"},
        ),
        (
            {"tenant_id": "tenant", "client_id": "me", "federated_token_file": "token"},
            "/tenant/oauth2/v2.0/token",
            {"client_id": "me", "client_assertion": "assertion"},
        ),
        ({}, "/msi", {"resource": "https://storage.azure.com", "header": "of-the-app"}),
        ({"client_id": "me"}, "/msi", {"client_id": "me"}),
    ],
    ids=["service principal", "workload identity", "managed identity", "user-assigned identity"],
)
async def test_an_identity_gets_tokens_and_new_ones_when_they_expire(
    identity: Identity, fields: dict[str, Any], path: str, sent: dict[str, str], tmp_path: Path
) -> None:
    if "federated_token_file" in fields:
        (tmp_path / "token").write_text("assertion")
        fields = fields | {"federated_token_file": tmp_path / "token"}
    access = AzureAccess(account_name="acct", endpoint_url=f"{identity.url}/acct", authority_url=identity.url, **fields)
    store = open_store(StoreConfig(url=f"az://{CONTAINER}", azure=access))

    for name in ("a.jpg", "b.jpg"):
        await store.put(name, b"x", mime_type="image/jpeg")

    assert identity.blobs == {f"{CONTAINER}/a.jpg": b"x", f"{CONTAINER}/b.jpg": b"x"}
    assert [each for each, _ in identity.requests] == [path] * len(identity.requests)
    assert len(identity.requests) > 1
    assert sent.items() <= identity.requests[0][1].items()


async def parts() -> AsyncIterator[bytes]:
    yield b"x" * (PART_BYTES + 1)
