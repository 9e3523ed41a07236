"""Google service accounts for tests."""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def create_service_account_file(directory: Path, *, token_url: str) -> Path:
    """Write a service account's JSON file, in Google's format, with a new key; return its path."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = directory / "account.json"
    account = {
        "type": "service_account",
        "client_email": "importer@project.iam.gserviceaccount.com",
        "client_id": "1",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "token_uri": token_url,
    }
    path.write_text(json.dumps(account))
    return path
