"""obstore's options for Azure Blob Storage."""

from imageferry.errors import FatalError, Reason

_DEVELOPMENT = {
    "AccountName": "devstoreaccount1",
    # The public, fixed key of Azure's emulator.
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


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
