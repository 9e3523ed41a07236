"""Keys, tokens and what they give access to."""

from base64 import urlsafe_b64encode

import aiohttp
import pytest

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import ApiClient


@pytest.fixture
def private(tree: Tree) -> Node:
    return tree.folder("Private", sharing=Sharing.ACCOUNT)


async def test_a_key_is_accepted_in_the_header_or_the_query(tree: Tree, drive: DriveTestServer) -> None:
    path = f"/drive/v3/files/{tree.folder('Root').id}"
    async with aiohttp.ClientSession() as session:
        client = ApiClient(drive=drive, session=session)

        assert (await client.get(path, headers={"X-Goog-Api-Key": drive.api_key})).status == 200
        assert (await client.get(path, key=drive.api_key)).status == 200
        without_key = await client.get(path)
        wrong = await client.get(path, key="wrong")

    assert (without_key.status, without_key.reason) == (403, "forbidden")
    assert "unregistered callers" in without_key.json["error"]["message"]
    assert (wrong.status, wrong.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert wrong.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_an_account_gets_a_token_and_accesses_what_is_shared_with_it(
    client: ApiClient, drive: DriveTestServer, private: Node
) -> None:
    token = (await request_token(client, drive, assertion=assertion(b'{"iss": "importer@example.com"}')))[
        "access_token"
    ]
    account = {"Authorization": f"Bearer {token}"}

    assert (await client.get(f"/drive/v3/files/{private.id}")).status == 404
    assert (await client.get(f"/drive/v3/files/{private.id}", headers=account)).status == 200
    about = await client.get("/drive/v3/about", headers=account, fields="user/emailAddress")
    assert about.json == {"user": {"emailAddress": "importer@example.com"}}


async def test_tokens_expire(tree: Tree, private: Node) -> None:
    async with DriveTestServer(tree, token_lifetime_s=0) as drive, aiohttp.ClientSession() as session:
        client = ApiClient(drive=drive, session=session)
        account = {"Authorization": f"Bearer {drive.access_token()}"}

        rejected = await client.get(f"/drive/v3/files/{private.id}", headers=account)

    assert (rejected.status, rejected.reason) == (401, "authError")


@pytest.mark.parametrize("claims", [b"", b"{}", b"no json", b'{"iss": 1}'])
async def test_an_assertion_without_an_account_gets_no_token(
    client: ApiClient, drive: DriveTestServer, claims: bytes
) -> None:
    assert (await request_token(client, drive, assertion=assertion(claims)))["error"] == "invalid_grant"


async def test_a_revoked_key_can_be_injected(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    root = tree.folder("Root")
    drive.faults.add(Fault(kind=ErrorKind.BAD_KEY, on=Operation.ANY, after=2))

    assert [(await client.list(root)).status for _ in range(4)] == [200, 200, 400, 400]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"pageSize": "0"}, "invalidParameter"),
        ({"pageSize": "1001"}, "invalidParameter"),
        ({"pageSize": "many"}, "invalid"),
        ({"fields": "files(wrong)"}, "invalidParameter"),
    ],
)
async def test_parameters_are_checked(tree: Tree, client: ApiClient, query: dict[str, str], reason: str) -> None:
    response = await client.list(tree.folder("Root"), **query)

    assert (response.status, response.reason) == (400, reason)


async def test_an_unknown_parameter_is_rejected(tree: Tree, client: ApiClient) -> None:
    response = await client.list(tree.folder("Root"), pagesize="10")

    assert response.status == 400
    assert 'Unknown name "pagesize"' in response.json["error"]["message"]


async def request_token(client: ApiClient, drive: DriveTestServer, *, assertion: str) -> dict[str, str]:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    async with client.session.post(drive.token_url, data=form) as response:
        body: dict[str, str] = await response.json()
        return body


def assertion(claims: bytes) -> str:
    return f"head.{urlsafe_b64encode(claims).decode().rstrip('=')}.signature"
