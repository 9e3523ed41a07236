"""What each kind of store is told, in obstore's terms."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from imageferry.errors import FatalError, Reason

_DEVELOPMENT = {
    "AccountName": "devstoreaccount1",
    # The well-known key of Azure's emulator, the same everywhere.
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """How S3, or a server that speaks like it, is reached; None: as the machine is set up."""

    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint_url: str | None = None

    def options(self) -> dict[str, str]:
        """For an `s3://` store."""
        given = {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
            "aws_region": self.region or "us-east-1",
            "aws_endpoint_url": self.endpoint_url,
            # The answer's digest proves the bytes: a signature over them would hash each a second time.
            "aws_unsigned_payload": "true",
        }
        return {name: value for name, value in given.items() if value}


def azure_options(connection_string: str | None) -> dict[str, str]:
    """For an `az://` store, from the connection string that Azure's portal shows; None: as the machine is set up."""
    if connection_string is None:
        return {}
    parts = dict(part.split("=", 1) for part in connection_string.split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        parts = _DEVELOPMENT
    if "AccountName" not in parts:
        message = (
            "AZURE_STORAGE_CONNECTION_STRING is not one: it begins like DefaultEndpointsProtocol=...;AccountName=..."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    given = {
        "azure_storage_account_name": parts["AccountName"],
        "azure_storage_account_key": parts.get("AccountKey"),
        "azure_storage_sas_key": parts.get("SharedAccessSignature"),
        "azure_storage_endpoint": parts.get("BlobEndpoint"),
    }
    return {name: value for name, value in given.items() if value}


def google_options(*, service_account_file: Path | None, emulator_host: str | None) -> dict[str, str]:
    """For a `gs://` store; neither: as the machine is set up."""
    if emulator_host is not None:
        # object_store's one way to another endpoint is through the key of an account.
        nobody = {"client_email": "", "private_key": "", "private_key_id": ""}
        key = nobody | {"gcs_base_url": emulator_host.rstrip("/"), "disable_oauth": True}
        return {"google_service_account_key": json.dumps(key)}
    if service_account_file is not None:
        return {"google_service_account": str(service_account_file)}
    return {}
