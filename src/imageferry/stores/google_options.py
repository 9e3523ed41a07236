"""obstore's options for Google Cloud Storage."""

import json
from pathlib import Path


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
