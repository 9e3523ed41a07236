"""Real S3 servers on loopback: moto, and rclone over a folder."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

RCLONE = Path(sys.executable).with_name("rclone")
BUCKET = "pictures"
KEY, SECRET, REGION = "key-of-a-test", "secret-of-a-test", "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A prefix in a server's bucket."""

    endpoint: str
    prefix: str

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that make imageferry use this prefix."""
        return {
            "store_url": f"s3://{BUCKET}/{self.prefix}",
            "aws_access_key_id": KEY,
            "aws_secret_access_key": SECRET,
            "aws_region": REGION,
            "aws_endpoint_url": self.endpoint,
        }

    def stored_objects(self) -> dict[str, bytes]:
        """Return every object by its key."""
        store = S3Store(
            BUCKET,
            prefix=self.prefix,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region=REGION,
            endpoint=self.endpoint,
            client_options={"allow_http": True},
        )
        keys = [entry["path"] for entry in obstore.list(store).collect()]
        return {key: bytes(obstore.get(store, key).bytes()) for key in keys}


@contextmanager
def moto(_: Path) -> Iterator[str]:
    """Run moto, which stores objects in memory and accepts any credentials; yield its endpoint."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        create_bucket = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - loopback
        urllib.request.urlopen(create_bucket, timeout=10).close()  # noqa: S310 - loopback
        yield endpoint
    finally:
        server.stop()


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """Run rclone, which stores objects in a folder and checks credentials; yield its endpoint."""
    (folder / BUCKET).mkdir(parents=True)
    process = subprocess.Popen(
        [RCLONE, "serve", "s3", "--config=", f"--auth-key={KEY},{SECRET}", "--addr=127.0.0.1:0", folder],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://" in line)
        match = re.search(r"http://[\d.]+:\d+", line)
        assert match is not None, line
        yield match[0]
    finally:
        process.kill()
        process.communicate()
