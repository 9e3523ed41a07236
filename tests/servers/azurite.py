"""Azurite, Azure's emulator of Blob Storage, on loopback."""

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.servers.ports import free_port

PROGRAM = Path(__file__).parent / "node_modules" / ".bin" / "azurite-blob"
CONTAINER = "pictures"
ACCOUNT = "devstoreaccount1"
# The emulator's public, fixed key.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = {"sv": "2021-08-06"}


@contextmanager
def azurite() -> Iterator[str]:
    """Run an emulator with one container; yield its connection string. Skip where it is not installed."""
    if not PROGRAM.exists() or shutil.which("node") is None:
        reason = "Azurite is not installed. `make dev` installs it where npm is available."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    options = ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    process = subprocess.Popen(
        [PROGRAM, *options, "--skipApiVersionCheck", "--disableTelemetry", "--silent"], stdout=subprocess.DEVNULL
    )
    try:
        _create_container(endpoint, process)
        yield f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"
    finally:
        process.terminate()
        process.wait(10)


def account_signature() -> str:
    """Return a shared access signature of the account, for a day. Azurite deletes nothing by it, Azure does."""
    fields = {"sp": "rwdlac", "ss": "b", "srt": "sco", "st": "", "se": _tomorrow(), "sip": "", "spr": "", **_VERSION}
    fields["ses"] = ""
    return _signature(fields, "".join(f"{value}\n" for value in (ACCOUNT, *fields.values())))


def container_signature() -> str:
    """Return a shared access signature of the container, for a day."""
    fields = {"sp": "racwdl", "st": "", "se": _tomorrow()}
    more = {"si": "", "sip": "", "spr": "", **_VERSION, "sr": "c"}
    unused = [""] * 7  # a snapshot, an encryption scope and headers of the response
    lines = (*fields.values(), f"/blob/{ACCOUNT}/{CONTAINER}", *more.values(), *unused)
    return _signature(fields | more, "\n".join(lines))


def _signature(fields: dict[str, str], string_to_sign: str) -> str:
    return urlencode({name: value for name, value in fields.items() if value} | {"sig": _hmac(string_to_sign)})


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _hmac(string_to_sign: str) -> str:
    return base64.b64encode(hmac.new(base64.b64decode(KEY), string_to_sign.encode(), hashlib.sha256).digest()).decode()


def _create_container(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    """Create the container as soon as the server answers; the test's timeout bounds the wait."""
    while True:
        try:
            urllib.request.urlopen(_signed(f"{endpoint}/{CONTAINER}?restype=container"), timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            raise
        except OSError:
            if process.poll() is not None:
                raise
            time.sleep(0.2)
        else:
            return


def _signed(url: str) -> urllib.request.Request:
    date = formatdate(usegmt=True)
    resource = f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    string_to_sign = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n{resource}"
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {ACCOUNT}:{_hmac(string_to_sign)}",
        "Content-Length": "0",
    }
    return urllib.request.Request(url, method="PUT", headers=headers)  # noqa: S310 - loopback
