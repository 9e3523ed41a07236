"""Access to Drive with a service account."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.errors import BlockedError, NotFoundError, Reason, TransientError
from imageferry.model import File, Folder, FolderRef
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.credentials import credentials_from
from imageferry.sources.google_drive.service_account import ServiceAccount
from imageferry.sources.registry import open_google_drive


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

    both = GoogleDriveConfig(endpoint=drive.url, api_key=drive.api_key, service_account_file=path)
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
    source = open_google_drive(GoogleDriveConfig(endpoint=drive.url, service_account_file=path))
    drive.faults.add(Fault(kind=ErrorKind.BAD_CREDENTIALS, on=Operation.GET, times=1))
    await source.resolve(FolderRef(source="google_drive", folder_id=root.id))
    assert drive.requests.count(Operation.TOKEN) == 2
    drive.faults.clear()
    drive.faults.add(Fault(kind=ErrorKind.BAD_CREDENTIALS, on=Operation.GET))
    with pytest.raises(BlockedError):
        await source.resolve(FolderRef(source="google_drive", folder_id=root.id))
    assert drive.requests.count(Operation.TOKEN) == 3
    await source.close()


@pytest.mark.parametrize("content", [None, "", "{}", '{"type": "service_account"}', "not JSON"])
async def test_an_unusable_account_file_blocks_with_its_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "account.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BlockedError, match=r"account\.json") as raised:
        await ServiceAccount(path).headers()
    assert raised.value.reason is Reason.CREDENTIALS_REJECTED


async def test_a_private_key_never_shows_in_an_error(tmp_path: Path) -> None:
    path = account_file(
        tmp_path, private_key="-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", token_uri="http://127.0.0.1:1/"
    )
    with pytest.raises(BlockedError) as raised:
        await ServiceAccount(path).headers()
    assert "c2VjcmV0" not in raised.value.message


async def test_an_unreachable_token_server_is_a_transient_error(tmp_path: Path, private_key: str) -> None:
    path = account_file(tmp_path, private_key=private_key, token_uri="http://127.0.0.1:1/token")
    with pytest.raises(TransientError):
        await ServiceAccount(path).headers()


def test_without_a_key_or_an_account_there_are_no_credentials() -> None:
    assert credentials_from(GoogleDriveConfig()) is None
    assert credentials_from(GoogleDriveConfig(api_key="")) is None
