"""obstore's options for each kind of store."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from imageferry.errors import FatalError, Reason

_DEVELOPMENT = {
    "AccountName": "devstoreaccount1",
    # The public, fixed key of Azure's emulator.
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """Access to S3 or a compatible server. None: use the machine's own configuration."""

    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    endpoint_url: str | None = None

    def options(self) -> dict[str, str]:
        """Return the options of an `s3://` store."""
        given = {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
            "aws_region": self.region or "us-east-1",
            "aws_endpoint_url": self.endpoint_url,
            # The MD5 in the response verifies the bytes; signing the payload would hash them a second time.
            "aws_unsigned_payload": "true",
            # Every compatible server deletes single objects, not every one many by one call: see Store.delete_all.
            "aws_disable_bulk_delete": "true",
        }
        return {name: value for name, value in given.items() if value}


def azure_options(connection_string: str | None) -> dict[str, str]:
    """Return the options of an `az://` store from a connection string, as Azure's portal shows it.

    None: use the machine's own configuration. Raises FatalError when the string is invalid.
    """
    if connection_string is None:
        return {}
    parts = dict(part.split("=", 1) for part in connection_string.split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        parts = _DEVELOPMENT
    if "AccountName" not in parts:
        message = (
            "AZURE_STORAGE_CONNECTION_STRING is not a connection string. Copy it from Azure's portal; it looks like "
            "DefaultEndpointsProtocol=...;AccountName=..."
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
    """Return the options of a `gs://` store. Both None: use the machine's own configuration."""
    if emulator_host is not None:
        # object_store accepts another endpoint only as part of an account's key.
        no_account = {"client_email": "", "private_key": "", "private_key_id": ""}
        key = no_account | {"gcs_base_url": emulator_host.rstrip("/"), "disable_oauth": True}
        return {"google_service_account_key": json.dumps(key)}
    if service_account_file is not None:
        return {"google_service_account": str(service_account_file)}
    return {}
