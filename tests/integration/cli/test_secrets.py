"""No secret appears in a log, a response, the catalog or an error."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.pictures import encode_image, four_color_image
from tests.drivers.processes import Command, command, environment_of
from tests.servers import s3_servers
from tests.servers.s3_servers import BUCKET, KEY, SECRET

TOKEN = "secret-token-for-this-test-4711"
WEBHOOK_SECRET = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk"
QUOTA_PASSWORD = "password-of-a-redis-that-does-not-exist"
PATHS = [
    "/api/jobs",
    "/api/images",
    "/api/images/1",
    "/api/images/1/thumbnail",
    "/api/images/999",
    "/api/images?per_page=-1",
    "/api/jobs/unknown",
    "/images",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/login?code=wrong",
    "/api/import/check?url=x",
]


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    """The endpoint of an S3 server that requires credentials."""
    with s3_servers.rclone(tmp_path / "s3") as endpoint:
        yield endpoint


def environment(flow: ImportFlow, *, endpoint: str) -> dict[str, str]:
    """Return the variables of a gateway, with a secret in every setting that takes one."""
    return environment_of(flow) | {
        "IMAGEFERRY_API_TOKEN": TOKEN,
        "IMAGEFERRY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "IMAGEFERRY_QUOTA_URL": f"redis://:{QUOTA_PASSWORD}@127.0.0.1:9/0",
        "IMAGEFERRY_DOWNLOADS_PER_SECOND": "100",
        "STORE_URL": f"s3://{BUCKET}/pictures",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": endpoint,
        "IMAGEFERRY_LOG_LEVEL": "debug",
        "IMAGEFERRY_LOG_FORMAT": "json",
    }


@asynccontextmanager
async def gateway(flow: ImportFlow, *, endpoint: str) -> AsyncIterator[tuple[Command, str]]:
    """Run `imageferry serve`; yield the process and its URL."""
    async with command(flow, "serve", environment=environment(flow, endpoint=endpoint)) as serving:
        line = await serving.wait_for_line("imageferry is running at")
        yield serving, line.split("imageferry is running at ")[1].split()[0]


async def test_no_secret_is_revealed_by_a_whole_run(tree: Tree, flow: ImportFlow, s3: str) -> None:
    root = tree.folder("Holiday")
    for number in range(3):
        tree.file(root, f"{number}.jpg", content=encode_image(four_color_image(), "JPEG"), mime_type="image/jpeg")
    tree.file(root, "empty.jpg", content=b"", mime_type="image/jpeg")
    received: list[str] = []
    async with gateway(flow, endpoint=s3) as (serving, url):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(url, headers=headers) as session:
            await import_and_wait(session, flow.drive.folder_url(root), received)
            await import_and_wait(
                session, "https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345", received
            )
            for path in PATHS:
                await call(session, "GET", path, received)
            await call(session, "GET", "/api/jobs", received, headers={"Authorization": "Bearer wrong"})
            await call(session, "POST", "/login", received, json={"token": TOKEN})
            await call(session, "POST", "/login", received, json={"token": [TOKEN]})
            await call(session, "POST", "/api/import/google-drive", received, json={"folder_url": "", "x": 1})
        serving.send(signal.SIGTERM)
        result = await serving.wait()
    received += [result.stdout, result.stderr, (flow.home / "catalog.db").read_bytes().decode("latin-1")]
    secrets = {
        "token": TOKEN,
        "Google key": flow.drive.api_key,
        "S3 secret": SECRET,
        "webhook secret": WEBHOOK_SECRET.removeprefix("whsec_"),
        "quota password": QUOTA_PASSWORD,
    }
    revealed = {name for name, secret in secrets.items() for text in received if secret in text}
    assert not revealed
    assert '"event"' in result.stderr


async def import_and_wait(session: aiohttp.ClientSession, folder_url: str, received: list[str]) -> None:
    """Import a folder, and wait until the job has completed or failed; the test's timeout bounds the wait."""
    accepted = await call(session, "POST", "/api/import/google-drive", received, json={"folder_url": folder_url})
    while True:
        status = await call(session, "GET", f"/api/import/status/{accepted['job_id']}", received)
        if status["status"] in {"completed", "failed"}:
            return
        await asyncio.sleep(0.05)


async def call(session: aiohttp.ClientSession, method: str, path: str, received: list[str], **options: Any) -> Any:  # noqa: ANN401 - any JSON
    """Send a request, append the headers and body of its response to `received`, and return the decoded JSON."""
    async with session.request(method, path, **options) as response:
        body = await response.read()
        # The session cookie is for the client that signed in; it is not one of the secrets.
        received.append(str(dict(response.headers)) + body.decode("latin-1"))
        return json.loads(body) if response.content_type.endswith("json") and body else None
