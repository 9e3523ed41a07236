"""AWS credentials of profiles, SSO, processes, web identities and roles, from real files and services on loopback."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path

import pytest
from botocore.tokens import SSOTokenProvider

from imageferry.errors import BlockedError, FatalError, Reason
from imageferry.stores.aws_credentials import AwsCredentials, CredentialsError
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.s3_options import AwsAccess
from imageferry.stores.store import PART_BYTES
from tests.servers.aws_services import AwsServices
from tests.servers.s3 import BUCKET, S3Operation
from tests.servers.strict_s3 import StrictS3

pytestmark = pytest.mark.integration

START_URL = "https://company.awsapps.com/start"


@pytest.fixture
async def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AwsServices]:
    """The services of AWS, and a home folder and an environment without anything of the machine's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    async with AwsServices() as services:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", services.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", services.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", services.url)
        # botocore has determined this folder when it was imported.
        monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path / ".aws/sso/cache"))
        yield services


@dataclass(frozen=True, kw_only=True)
class Case:
    source: str  # as people read it
    config: str = ""
    credentials: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    asked: str | None  # what the services are asked for; None: nothing
    profile: str | None = None


KEYS = json.dumps({"Version": 1, "AccessKeyId": "p", "SecretAccessKey": "s"})
PROCESS = shlex.join([sys.executable, "-c", f"print({KEYS!r})"])
SSO = f"""[profile work]
sso_session = company
sso_account_id = 123456789012
sso_role_name = writer
region = eu-central-1
[sso-session company]
sso_start_url = {START_URL}
sso_region = eu-central-1
"""
CASES = {
    "default profile": Case(
        source="keys in ~/.aws/credentials",
        credentials="[default]\naws_access_key_id = a\naws_secret_access_key = b\n",
        asked=None,
    ),
    "profile": Case(
        source="keys in ~/.aws/config, profile work",
        config="[profile work]\naws_access_key_id = a\naws_secret_access_key = b\naws_session_token = c\n",
        profile="work",
        asked=None,
    ),
    "process": Case(source="credential_process", config=f"[default]\ncredential_process = {PROCESS}\n", asked=None),
    "sso": Case(source="SSO, profile work", config=SSO, profile="work", asked="/federation/credentials"),
    "assumed role": Case(
        source="an assumed role, profile work",
        config="[profile work]\nrole_arn = arn:aws:iam::123456789012:role/writer\nsource_profile = keys\n"
        "region = eu-central-1\n",
        credentials="[keys]\naws_access_key_id = a\naws_secret_access_key = b\n",
        profile="work",
        asked="AssumeRole",
    ),
    "web identity": Case(
        source="a web identity",
        environment={"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod", "AWS_WEB_IDENTITY_TOKEN_FILE": "~/token"},
        asked="AssumeRoleWithWebIdentity",
    ),
    "container": Case(
        source="the role of the container",
        environment={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "metadata-token",
        },
        asked="/container",
    ),
    "machine": Case(source="the role of the machine", asked="/latest/meta-data/iam/security-credentials/role"),
}


def prepare(case: Case, aws: AwsServices, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".aws" / "config").write_text(case.config)
    (home / ".aws" / "credentials").write_text(case.credentials)
    (home / "token").write_text("token of the pod")
    for name, value in case.environment.items():
        monkeypatch.setenv(name, value.replace("{url}", aws.url).replace("~", str(home)))
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {"startUrl": START_URL, "accessToken": "sso-token", "expiresAt": "2099-01-01T00:00:00Z"}
    (cache / f"{sha1(b'company', usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(token))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_credentials_are_found_and_renewed(
    case: Case, aws: AwsServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(case, aws, tmp_path, monkeypatch)
    credentials = AwsCredentials(profile=case.profile)

    first, second = [await asyncio.to_thread(credentials) for _ in range(2)]

    assert credentials.source == case.source
    for each in (first, second):
        assert credentials.secret_key_of(each["access_key_id"]) == each["secret_access_key"]
    if case.asked is None:
        assert (aws.requests, first["access_key_id"]) == ([], second["access_key_id"])
    else:
        assert set(aws.requests) == {case.asked}
        assert first["access_key_id"].removeprefix("key-") == str(first["token"]).removeprefix("token-")
        # botocore uses those of a machine for longer than they are valid, for when the metadata service is down.
        assert first["access_key_id"] != second["access_key_id"] or case is CASES["machine"]


@pytest.mark.parametrize("case", [CASES["profile"], CASES["web identity"], CASES["machine"]], ids=["a", "b", "c"])
async def test_both_ways_of_writing_use_them(
    case: Case, aws: AwsServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(case, aws, tmp_path, monkeypatch)
    async with StrictS3() as s3:
        access = AwsAccess(endpoint_url=s3.settings["aws_endpoint_url"], profile=case.profile)
        store = open_store(StoreConfig(url=f"s3://{BUCKET}", aws=access))
        await store.put("a.jpg", b"x", mime_type="image/jpeg")
        await store.put_stream("b.jpg", parts(), mime_type="image/jpeg")
        assert b"".join([chunk async for chunk in store.read("a.jpg")]) == b"x"
        assert "X-Amz-Security-Token" in str(await store.signed_url("a.jpg", valid_s=60))
        await store.close()

    assert s3.presigned == [S3Operation.PUT]
    tokens = {token for _, token in s3.credentials}
    assert tokens == {"c"} if case.profile else all(str(token).startswith("token-") for token in tokens)


async def test_region_and_endpoint_come_from_the_profile(aws: AwsServices, tmp_path: Path) -> None:
    (tmp_path / ".aws" / "config").write_text(
        "[profile minio]\nregion = eu-north-1\nendpoint_url = https://minio.example\n"
        "aws_access_key_id = a\naws_secret_access_key = b\n"
    )
    store = open_store(StoreConfig(url="s3://photos", aws=AwsAccess(profile="minio")))
    url = str(await store.signed_url("a.jpg", valid_s=60))
    assert url.startswith("https://minio.example/photos/a.jpg?")
    assert "eu-north-1" in url
    assert aws.requests == []


async def test_a_changed_file_is_noticed(aws: AwsServices, tmp_path: Path) -> None:
    credentials = AwsCredentials()
    for key in ("old", "new"):
        (tmp_path / ".aws" / "credentials").write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=s\n")
        assert credentials()["access_key_id"] == key
    assert aws.requests == []


async def test_without_any_credentials_the_person_reads_what_to_set(
    aws: AwsServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = open_store(StoreConfig(url="s3://photos", aws=AwsAccess(endpoint_url=aws.url)))
    with pytest.raises(BlockedError, match=r"^No AWS credentials were found\. Set AWS_ACCESS_KEY_ID") as refused:
        await store.check()
    assert refused.value.reason is Reason.STORE_DENIED


async def test_an_expired_sign_in_says_how_to_sign_in(aws: AwsServices, tmp_path: Path) -> None:
    (tmp_path / ".aws" / "config").write_text(SSO)
    with pytest.raises(CredentialsError, match="aws sso login --profile work"):
        await asyncio.to_thread(AwsCredentials(profile="work"))
    assert aws.requests == []


@pytest.mark.parametrize(("config", "problem"), [("", "no profile 'work'"), ("[profile work\n", "can't be read")])
async def test_a_missing_profile_or_a_broken_file_is_refused_at_once(
    aws: AwsServices, tmp_path: Path, config: str, problem: str
) -> None:
    (tmp_path / ".aws" / "config").write_text(config)
    with pytest.raises(FatalError, match=problem) as refused:
        open_store(StoreConfig(url="s3://photos", aws=AwsAccess(profile="work")))
    assert refused.value.reason is Reason.MISCONFIGURED
    assert aws.requests == []


async def parts() -> AsyncIterator[bytes]:
    yield b"x" * (PART_BYTES + 1)
