"""Keys, tokens and what they open."""

from base64 import urlsafe_b64encode

import aiohttp
import pytest

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import Asker


@pytest.fixture
def private(tree: Tree) -> Node:
    return tree.folder("Private", sharing=Sharing.ACCOUNT)


async def test_a_key_is_taken_from_header_or_query(tree: Tree, drive: StandIn) -> None:
    path = f"/drive/v3/files/{tree.folder('Root').id}"
    async with aiohttp.ClientSession() as session:
        asker = Asker(drive=drive, session=session)

        assert (await asker.get(path, headers={"X-Goog-Api-Key": drive.api_key})).status == 200
        assert (await asker.get(path, key=drive.api_key)).status == 200
        nobody = await asker.get(path)
        wrong = await asker.get(path, key="wrong")

    assert (nobody.status, nobody.reason) == (403, "forbidden")
    assert "unregistered callers" in nobody.json["error"]["message"]
    assert (wrong.status, wrong.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert wrong.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_an_account_gets_a_token_and_sees_what_is_shared_with_it(
    asker: Asker, drive: StandIn, private: Node
) -> None:
    token = (await ask_for_token(asker, drive, assertion=assertion(b'{"iss": "importer@example.com"}')))["access_token"]
    account = {"Authorization": f"Bearer {token}"}

    assert (await asker.get(f"/drive/v3/files/{private.id}")).status == 404
    assert (await asker.get(f"/drive/v3/files/{private.id}", headers=account)).status == 200
    about = await asker.get("/drive/v3/about", headers=account, fields="user/emailAddress")
    assert about.json == {"user": {"emailAddress": "importer@example.com"}}


async def test_tokens_run_out(tree: Tree, private: Node) -> None:
    async with StandIn(tree, token_lifetime_s=0) as drive, aiohttp.ClientSession() as session:
        asker = Asker(drive=drive, session=session)
        account = {"Authorization": f"Bearer {drive.access_token()}"}

        refused = await asker.get(f"/drive/v3/files/{private.id}", headers=account)

    assert (refused.status, refused.reason) == (401, "authError")


@pytest.mark.parametrize("claims", [b"", b"{}", b"no json", b'{"iss": 1}'])
async def test_an_assertion_that_names_nobody_gets_no_token(asker: Asker, drive: StandIn, claims: bytes) -> None:
    assert (await ask_for_token(asker, drive, assertion=assertion(claims)))["error"] == "invalid_grant"


async def test_a_key_is_revoked_to_order(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = tree.folder("Root")
    drive.faults.add(Fault(kind=Refusal.BAD_KEY, on=Operation.ANY, after=2))

    assert [(await asker.list(root)).status for _ in range(4)] == [200, 200, 400, 400]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"pageSize": "0"}, "invalidParameter"),
        ({"pageSize": "1001"}, "invalidParameter"),
        ({"pageSize": "many"}, "invalid"),
        ({"fields": "files(wrong)"}, "invalidParameter"),
    ],
)
async def test_parameters_are_checked(tree: Tree, asker: Asker, query: dict[str, str], reason: str) -> None:
    answer = await asker.list(tree.folder("Root"), **query)

    assert (answer.status, answer.reason) == (400, reason)


async def test_an_unknown_parameter_is_refused(tree: Tree, asker: Asker) -> None:
    answer = await asker.list(tree.folder("Root"), pagesize="10")

    assert answer.status == 400
    assert 'Unknown name "pagesize"' in answer.json["error"]["message"]


async def ask_for_token(asker: Asker, drive: StandIn, *, assertion: str) -> dict[str, str]:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    async with asker.session.post(drive.token_url, data=form) as answer:
        told: dict[str, str] = await answer.json()
        return told


def assertion(claims: bytes) -> str:
    return f"head.{urlsafe_b64encode(claims).decode().rstrip('=')}.signature"
