"""Access to Azure Blob Storage: connection strings, keys, shared access signatures and identities."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imageferry.errors import FatalError, Reason

_PUBLIC_CLOUD = "core.windows.net"
# Where identities get their tokens, by the end of a storage account's host name.
_AUTHORITIES = {
    "chinacloudapi.cn": "https://login.chinacloudapi.cn",
    "usgovcloudapi.net": "https://login.microsoftonline.us",
}
_DEVELOPMENT_ACCOUNT = "devstoreaccount1"
# The public, fixed key of Azure's emulator.
_DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_IP_ADDRESS = re.compile(r"[\d.]+|.*:.*")


class AzureCredential(StrEnum):
    """The kinds of credentials; the values are obstore's names."""

    KEY = "access_key"
    SAS = "sas_token"
    WORKLOAD_IDENTITY = "workload_identity"  # a token file that Kubernetes or a CI service renews
    SERVICE_PRINCIPAL = "client_secret"
    MANAGED_IDENTITY = "managed_identity"  # of the virtual machine, the container or the app

    @property
    def description(self) -> str:
        """What this is called, for people."""
        names = {"access_key": "an account key", "sas_token": "a signature", "client_secret": "a service principal"}
        return names.get(self, f"a {self.replace('_', ' ')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccess:
    """Access to a storage account. A connection string wins over the fields after it."""

    connection_string: str | None = field(default=None, repr=False)
    account_name: str | None = None
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    endpoint_url: str | None = None  # None: of Azure's public cloud
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    federated_token_file: Path | None = None
    authority_url: str | None = None

    def resolved(self) -> "AzureAccess":
        """Return the same access without a connection string. Raises FatalError if the string is invalid."""
        if self.connection_string is None:
            return self
        return _of_connection_string(self.connection_string, identity=self)

    @property
    def credential(self) -> AzureCredential:
        """What authenticates requests. The access is resolved."""
        if self.account_key is not None:
            return AzureCredential.KEY
        if self.sas_token is not None:
            return AzureCredential.SAS
        if self.tenant_id is not None and self.client_id is not None:
            if self.federated_token_file is not None:
                return AzureCredential.WORKLOAD_IDENTITY
            if self.client_secret is not None:
                return AzureCredential.SERVICE_PRINCIPAL
        return AzureCredential.MANAGED_IDENTITY

    def options(self) -> dict[str, str]:
        """Return obstore's options. The access is resolved. Raises FatalError where the account is not known."""
        if self.account_name is None:
            message = (
                "The storage account is not known. Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME "
                "with AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or an identity."
            )
            raise FatalError(Reason.MISCONFIGURED, message)
        endpoint = self.endpoint_url or f"https://{self.account_name}.blob.{_PUBLIC_CLOUD}"
        given = {
            "azure_storage_account_name": self.account_name,
            "azure_storage_account_key": self.account_key,
            "azure_storage_sas_key": self.sas_token,
            "azure_storage_endpoint": endpoint.rstrip("/"),
            "azure_storage_tenant_id": self.tenant_id,
            "azure_storage_client_id": self.client_id,
            "azure_storage_client_secret": self.client_secret,
            "azure_federated_token_file": self.federated_token_file and str(self.federated_token_file),
            "azure_storage_authority_host": self.authority_url or _authority(endpoint),
            # Named, because obstore would prefer another one that it finds in the environment.
            "azure_credential_type": self.credential.value,
        }
        return {name: value for name, value in given.items() if value}


def _of_connection_string(text: str, *, identity: AzureAccess) -> AzureAccess:
    parts = {
        name.strip().lower(): value.strip()
        for name, separator, value in (part.partition("=") for part in text.split(";"))
        if separator
    }
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        host = parts.get("developmentstorageproxyuri", "http://127.0.0.1").rstrip("/")
        return AzureAccess(
            account_name=_DEVELOPMENT_ACCOUNT,
            account_key=_DEVELOPMENT_KEY,
            endpoint_url=f"{host}:10000/{_DEVELOPMENT_ACCOUNT}",
        )
    endpoint = _endpoint(parts)
    account_name = parts.get("accountname") or (_account_name(endpoint) if endpoint else None)
    if account_name is None or (endpoint is not None and not endpoint.startswith(("https://", "http://"))):
        message = (
            "AZURE_STORAGE_CONNECTION_STRING is not a connection string for Blob Storage. Copy it from Azure's portal; "
            "it looks like DefaultEndpointsProtocol=...;AccountName=...;AccountKey=... or "
            "BlobEndpoint=https://...;SharedAccessSignature=... Set a signature alone (sv=...) in "
            "AZURE_STORAGE_SAS_TOKEN, with AZURE_STORAGE_ACCOUNT_NAME."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    given = {"account_key": parts.get("accountkey"), "sas_token": parts.get("sharedaccesssignature")}
    credentials: dict[str, Any] = {name: value or None for name, value in given.items()} if any(given.values()) else {}
    return replace(identity, connection_string=None, account_name=account_name, endpoint_url=endpoint, **credentials)


def _endpoint(parts: Mapping[str, str]) -> str | None:
    if endpoint := parts.get("blobendpoint"):
        return endpoint.rstrip("/")
    if (name := parts.get("accountname")) is None:
        return None
    protocol = parts.get("defaultendpointsprotocol", "https")
    return f"{protocol}://{name}.blob.{parts.get('endpointsuffix', _PUBLIC_CLOUD)}"


def _account_name(endpoint: str) -> str | None:
    """Return the account of an endpoint: the first part of its host, or of its path if the host is an address."""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    name = url.path.strip("/") if _IP_ADDRESS.fullmatch(host) or host == "localhost" else host.partition(".")[0]
    return name or None


def _authority(endpoint: str) -> str | None:
    host = urlsplit(endpoint).hostname or ""
    return next((url for suffix, url in _AUTHORITIES.items() if host.endswith(f".{suffix}")), None)
