"""Access to Azure, as the portal and other tools describe it."""

from pathlib import Path
from typing import Any

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.stores.azure_options import AzureAccess, AzureCredential

SAS = "sv=2022-11-02&ss=b&srt=sco&sp=rwdlac&se=2027-01-01T00:00:00Z&sig=a%2Bb%3D"


def resolved(connection_string: str) -> tuple[str | None, str | None, AzureCredential, str | None]:
    access = AzureAccess(connection_string=connection_string).resolved()
    options = access.options()
    secret = options.get("azure_storage_account_key") or options.get("azure_storage_sas_key")
    return options["azure_storage_account_name"], options["azure_storage_endpoint"], access.credential, secret


@pytest.mark.parametrize(
    ("connection_string", "account", "endpoint", "secret"),
    [
        (
            "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5Cg==;EndpointSuffix=core.windows.net",
            "acct",
            "https://acct.blob.core.windows.net",
            "a2V5Cg==",
        ),
        ("AccountName=acct;AccountKey=a2V5Cg==", "acct", "https://acct.blob.core.windows.net", "a2V5Cg=="),
        (
            " accountname = acct ; accountkey = a2V5Cg== ; endpointsuffix = core.chinacloudapi.cn ; ",
            "acct",
            "https://acct.blob.core.chinacloudapi.cn",
            "a2V5Cg==",
        ),
        (
            "AccountName=acct;AccountKey=k;EndpointSuffix=core.usgovcloudapi.net",
            "acct",
            "https://acct.blob.core.usgovcloudapi.net",
            "k",
        ),
        (
            f"BlobEndpoint=https://acct.blob.core.windows.net/;QueueEndpoint=https://q;SharedAccessSignature={SAS}",
            "acct",
            "https://acct.blob.core.windows.net",
            SAS,
        ),
        (f"AccountName=acct;SharedAccessSignature=?{SAS}", "acct", "https://acct.blob.core.windows.net", f"?{SAS}"),
        (
            f"BlobEndpoint=http://127.0.0.1:10000/acct;SharedAccessSignature={SAS}",
            "acct",
            "http://127.0.0.1:10000/acct",
            SAS,
        ),
        (
            f"BlobEndpoint=https://images.example.com;AccountName=acct;SharedAccessSignature={SAS}",
            "acct",
            "https://images.example.com",
            SAS,
        ),
    ],
)
def test_a_connection_string_is_read_as_the_portal_gives_it(
    connection_string: str, account: str, endpoint: str, secret: str
) -> None:
    kind = AzureCredential.SAS if "Signature" in connection_string else AzureCredential.KEY
    assert resolved(connection_string) == (account, endpoint, kind, secret)


@pytest.mark.parametrize(
    ("connection_string", "endpoint"),
    [
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1"),
        (
            "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite",
            "http://azurite:10000/devstoreaccount1",
        ),
    ],
)
def test_the_emulator_needs_no_key(connection_string: str, endpoint: str) -> None:
    account, found, kind, secret = resolved(connection_string)
    assert (account, found, kind) == ("devstoreaccount1", endpoint, AzureCredential.KEY)
    assert secret


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        SAS,
        f"https://acct.blob.core.windows.net/photos?{SAS}",
        f"QueueEndpoint=https://acct.queue.core.windows.net/;SharedAccessSignature={SAS}",
        f"BlobEndpoint=acct.blob.core.windows.net;SharedAccessSignature={SAS}",
        "AccountKey=sig",
    ],
)
def test_what_is_no_connection_string_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(FatalError, match="AZURE_STORAGE_SAS_TOKEN") as refused:
        AzureAccess(connection_string=text).resolved()
    assert refused.value.reason is Reason.MISCONFIGURED
    assert "sig" not in refused.value.message.replace("signature", "").replace("Signature", "")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"account_key": "k", "sas_token": SAS, "client_id": "c"}, AzureCredential.KEY),
        ({"sas_token": SAS, "client_id": "c", "tenant_id": "t", "client_secret": "s"}, AzureCredential.SAS),
        ({"client_id": "c", "tenant_id": "t", "client_secret": "s"}, AzureCredential.SERVICE_PRINCIPAL),
        (
            {"client_id": "c", "tenant_id": "t", "federated_token_file": Path("/token")},
            AzureCredential.WORKLOAD_IDENTITY,
        ),
        ({"client_id": "c"}, AzureCredential.MANAGED_IDENTITY),
        ({}, AzureCredential.MANAGED_IDENTITY),
    ],
)
def test_an_account_is_used_with_the_credential_that_is_set(fields: dict[str, Any], kind: AzureCredential) -> None:
    for access in (
        AzureAccess(account_name="acct", **fields),
        AzureAccess(connection_string="AccountName=acct;EndpointSuffix=core.windows.net", **fields).resolved(),
    ):
        options = access.options()
        assert (access.credential, options["azure_credential_type"]) == (kind, kind.value)
        assert options["azure_storage_endpoint"] == "https://acct.blob.core.windows.net"


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        (None, None),
        ("https://acct.blob.core.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
        ("https://acct.blob.core.usgovcloudapi.net", "https://login.microsoftonline.us"),
    ],
)
def test_an_identity_gets_its_token_from_the_cloud_of_the_endpoint(endpoint: str | None, authority: str | None) -> None:
    options = AzureAccess(account_name="acct", endpoint_url=endpoint).options()
    assert options.get("azure_storage_authority_host") == authority


def test_an_account_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(FatalError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        AzureAccess(sas_token=SAS).options()
