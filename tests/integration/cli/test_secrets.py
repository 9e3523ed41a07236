"""No secret stands in a log, an answer, a record or on the wire where others read it."""

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
from tests.drivers.import_flow import Flow
from tests.drivers.pictures import quarters, saved
from tests.drivers.processes import Command, command, environment_of
from tests.servers import s3_servers
from tests.servers.s3_servers import BUCKET, KEY, SECRET

TOKEN = "token-that-nobody-may-read-4711"
WEBHOOK_SECRET = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk"
QUOTA_PASSWORD = "password-of-a-redis-nobody-has"
ASKED = [
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
    """The endpoint of a store with credentials."""
    with s3_servers.rclone(tmp_path / "s3") as endpoint:
        yield endpoint


def environment(flow: Flow, *, endpoint: str) -> dict[str, str]:
    """A gateway's, with a secret in every place that takes one."""
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
async def gateway(flow: Flow, *, endpoint: str) -> AsyncIterator[tuple[Command, str]]:
    """`imageferry serve`, and its URL."""
    async with command(flow, "serve", environment=environment(flow, endpoint=endpoint)) as serving:
        said = await serving.says("imageferry is at")
        yield serving, said.split()[3]


async def test_a_whole_run_tells_no_secret(tree: Tree, flow: Flow, s3: str) -> None:
    root = tree.folder("Holiday")
    for number in range(3):
        tree.file(root, f"{number}.jpg", content=saved(quarters(), "JPEG"), mime_type="image/jpeg")
    tree.file(root, "empty.jpg", content=b"", mime_type="image/jpeg")
    heard: list[str] = []
    async with gateway(flow, endpoint=s3) as (serving, url):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(url, headers=headers) as session:
            await imported(session, flow.drive.folder_url(root), heard)
            await imported(session, "https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345", heard)
            for path in ASKED:
                await ask(session, "GET", path, heard)
            await ask(session, "GET", "/api/jobs", heard, headers={"Authorization": "Bearer wrong"})
            await ask(session, "POST", "/login", heard, json={"token": TOKEN})
            await ask(session, "POST", "/login", heard, json={"token": [TOKEN]})
            await ask(session, "POST", "/api/import/google-drive", heard, json={"folder_url": "", "x": 1})
        serving.send(signal.SIGTERM)
        ended = await serving.ended()
    heard += [ended.answer, ended.said, (flow.home / "catalog.db").read_bytes().decode("latin-1")]
    secrets = {
        "token": TOKEN,
        "Google key": flow.drive.api_key,
        "S3 secret": SECRET,
        "webhook secret": WEBHOOK_SECRET.removeprefix("whsec_"),
        "quota's password": QUOTA_PASSWORD,
    }
    told = {name for name, secret in secrets.items() for text in heard if secret in text}
    assert not told
    assert '"event"' in ended.said


async def imported(session: aiohttp.ClientSession, folder_url: str, heard: list[str]) -> None:
    """An import to its end, or to where it waits or fails."""
    accepted = await ask(session, "POST", "/api/import/google-drive", heard, json={"folder_url": folder_url})
    for _ in range(400):
        status = await ask(session, "GET", f"/api/import/status/{accepted['job_id']}", heard)
        if status["status"] in {"completed", "failed"}:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(status)


async def ask(session: aiohttp.ClientSession, method: str, path: str, heard: list[str], **options: Any) -> Any:  # noqa: ANN401 - any JSON
    """What is answered; its headers and body are heard."""
    async with session.request(method, path, **options) as answer:
        body = await answer.read()
        # A session is for whoever signed in, and is no secret of ours.
        heard.append(str(dict(answer.headers)) + body.decode("latin-1"))
        return json.loads(body) if answer.content_type.endswith("json") and body else None
