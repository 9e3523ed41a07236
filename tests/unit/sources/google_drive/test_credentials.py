"""Access to Drive with the account of a credentials file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.errors import BlockedError, NotFoundError, Reason, TransientError
from imageferry.model import File, Folder, FolderRef
from imageferry.sources.google_drive.account_file import AccountFile
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.credentials import credentials_from
from imageferry.sources.registry import open_google_drive
from tests.servers.http_servers import serve_http


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def account_file(directory: Path, *, private_key: str, token_uri: str) -> Path:
    path = directory / "account.json"
    account = {
        "type": "service_account",
        "client_email": "importer@example.iam.gserviceaccount.com",
        "private_key": private_key,
        "private_key_id": "1",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(account))
    return path


async def test_a_service_account_reads_what_is_shared_with_it(
    drive: DriveTestServer, root: Node, file: File, tmp_path: Path, private_key: str
) -> None:
    drive.tree.share(root, Sharing.ACCOUNT)
    path = account_file(tmp_path, private_key=private_key, token_uri=drive.token_url)
    folder_ref = FolderRef(source="google_drive", folder_id=root.id)

    keyed = open_google_drive(GoogleDriveConfig(endpoint=drive.url, api_key=drive.api_key))
    with pytest.raises(NotFoundError):
        await keyed.resolve(folder_ref)
    await keyed.close()

    both = GoogleDriveConfig(endpoint=drive.url, api_key=drive.api_key, account_file=path)
    source = open_google_drive(both)
    folder = await source.resolve(folder_ref)
    assert folder == Folder(id=root.id, name="Holiday")
    assert len((await source.list_page(folder)).files) == 1
    assert len(await source.read(file)) == file.size_bytes
    assert drive.requests.count(Operation.TOKEN) == 1
    await source.close()


async def test_a_rejected_token_is_renewed_once(
    drive: DriveTestServer, root: Node, tmp_path: Path, private_key: str
) -> None:
    path = account_file(tmp_path, private_key=private_key, token_uri=drive.token_url)
    source = open_google_drive(GoogleDriveConfig(endpoint=drive.url, account_file=path))
    drive.faults.add(Fault(kind=ErrorKind.BAD_CREDENTIALS, on=Operation.GET, times=1))
    await source.resolve(FolderRef(source="google_drive", folder_id=root.id))
    assert drive.requests.count(Operation.TOKEN) == 2
    drive.faults.clear()
    drive.faults.add(Fault(kind=ErrorKind.BAD_CREDENTIALS, on=Operation.GET))
    with pytest.raises(BlockedError):
        await source.resolve(FolderRef(source="google_drive", folder_id=root.id))
    assert drive.requests.count(Operation.TOKEN) == 3
    await source.close()


TOKEN_S = 3600


async def serve_tokens(request: web.Request) -> web.Response:
    """Behave like Google's token, exchange and impersonation endpoints."""
    if request.path.endswith(":generateAccessToken"):
        expires = datetime.now(UTC) + timedelta(seconds=TOKEN_S)
        name = f"as {request.path.rpartition('/')[2]} by {request.headers['Authorization']}"
        return web.json_response({"accessToken": name, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")})
    grant = (await request.post())["grant_type"]
    token = {"access_token": grant, "expires_in": TOKEN_S, "issued_token_type": "access_token", "token_type": "Bearer"}
    return web.json_response(token)


USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
ROBOT = "robot@example.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (USER | {"token_uri": "{url}/token"}, "Bearer refresh_token"),
        (
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/pool",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "{url}/token",
                "credential_source": {"file": "{folder}/subject"},
            },
            "Bearer urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": "{url}/" + ROBOT + ":generateAccessToken",
                "source_credentials": USER | {"token_uri": "{url}/token"},
            },
            f"Bearer as {ROBOT}:generateAccessToken by Bearer refresh_token",
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_each_type_of_account_gets_a_token(account: dict[str, object], expected: str, tmp_path: Path) -> None:
    (tmp_path / "subject").write_text("a token of another cloud")
    path = tmp_path / "account.json"
    async with serve_http(serve_tokens) as url:
        path.write_text(json.dumps(account).replace("{url}", url).replace("{folder}", str(tmp_path)))
        assert (await AccountFile(path).headers())["Authorization"] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"installed": {"client_id": "c"}}, "its type is None instead of service_account, "),
        ({"type": "gdch_service_account"}, "its type is 'gdch_service_account' instead of "),
        (["service_account"], "its type is None"),
        ({"type": "authorized_user", "client_id": "c"}, "it has no 'refresh_token'"),
        ({"type": "impersonated_service_account"}, "it has no 'service_account_impersonation_url'"),
        ({"type": "external_account"}, "."),
        ({"type": "external_account", "credential_source": {"executable": {"command": "false"}}}, "."),
    ],
)
async def test_a_file_of_an_unknown_type_is_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BlockedError, match=message):
        await AccountFile(path).headers()


@pytest.mark.parametrize("content", [None, "", "{}", '{"type": "service_account"}', "not JSON"])
async def test_an_unusable_account_file_blocks_with_its_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "account.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BlockedError, match=r"account\.json can't be used: .+") as raised:
        await AccountFile(path).headers()
    assert raised.value.reason is Reason.CREDENTIALS_REJECTED


async def test_a_private_key_never_shows_in_an_error(tmp_path: Path) -> None:
    path = account_file(
        tmp_path, private_key="-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", token_uri="http://127.0.0.1:1/"
    )
    with pytest.raises(BlockedError) as raised:
        await AccountFile(path).headers()
    assert "c2VjcmV0" not in raised.value.message


async def test_an_unreachable_token_server_is_a_transient_error(tmp_path: Path, private_key: str) -> None:
    path = account_file(tmp_path, private_key=private_key, token_uri="http://127.0.0.1:1/token")
    with pytest.raises(TransientError):
        await AccountFile(path).headers()


def test_without_a_key_or_an_account_there_are_no_credentials() -> None:
    assert credentials_from(GoogleDriveConfig()) is None
    assert credentials_from(GoogleDriveConfig(api_key="")) is None
