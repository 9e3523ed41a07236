"""Imports of folders with files that no source should list: each costs itself, and nothing leaves the prefix."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.errors import Reason
from imageferry.model import ItemState, JobState
from tests.drivers.import_flow import ImportFlow
from tests.servers.http_servers import serve_http
from tests.servers.s3_servers import Bucket, moto

JPEG = b"\xff\xd8\xff\xe0 a photograph \xff\xd9"
ROOT = "1Root0000AbCdEfGhIjKlMnOpQrStUvWx"
STORED = {
    "1Good0001AbCdEfGhIjKlMnOpQrStUvWx": '"name": "a.jpg"',
    "1Good0002AbCdEfGhIjKlMnOpQrStUvWx": '"name": "b.jpg"',
    "...": '"name": ".."',
    ".thumbnails": '"name": "x.jpg"',
    "../../outside": '"name": "x.jpg"',
    "a\\\\b": '"name": "x.jpg"',
    "1good0001abcdefghijklmnopqrstuvwx": '"name": "a.jpg"',
    "y" * 255: '"name": "x.jpg"',
    "1Odd00001AbCdEfGhIjKlMnOpQrStUvWx": '"name": "\\ud83d.jpg"',
    "1Odd00002AbCdEfGhIjKlMnOpQrStUvWx": '"name": null',
    "1Odd00003AbCdEfGhIjKlMnOpQrStUvWx": '"name": "x.jpg", "imageMediaMetadata": {"location": {"latitude": "NaN"}}',
    "1Odd00004AbCdEfGhIjKlMnOpQrStUvWx": '"name": "x.jpg", "modifiedTime": "9999-12-31T23:59:59.999-12:00"',
    "1Odd00005AbCdEfGhIjKlMnOpQrStUvWx": '"name": "x.jpg", "md5Checksum": "none"',
}
FAILED = {
    "..": '"name": "x.jpg"',
    "": '"name": "x.jpg"',
    "z" * 10_000: '"name": "x.jpg"',
    "1Odd00006AbCdEfGhIjKlMnOpQrStUvWx": '"name": "x.jpg", "size": "99999999999999999999"',
    "1Odd00007AbCdEfGhIjKlMnOpQrStUvWx": '"name": "x.jpg", "size": NaN, "capabilities": []',
}
SVG = "1Svg00000AbCdEfGhIjKlMnOpQrStUvWx"


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    """A server that lists the files above in one folder, and has the same bytes for each."""
    entries = [
        f'{{"id": "{file_id}", "mimeType": "image/jpeg", "size": "{len(JPEG)}", {fields}}}'
        for file_id, fields in {**STORED, **FAILED}.items()
    ]
    entries.append(f'{{"id": "{SVG}", "mimeType": "image/svg+xml", "name": "slow.svg"}}')
    listing = f'{{"files": [{", ".join(entries)}]}}'

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/drive/v3/files":
            return web.Response(text=listing, content_type="application/json")
        if "alt" in request.query:
            body = b"<!---->" * 1000 if SVG in request.path else JPEG
            return web.Response(body=body, content_type="image/jpeg")
        root = {"id": ROOT, "name": "Root", "mimeType": "application/vnd.google-apps.folder"}
        return web.json_response(root)

    async with serve_http(handle) as url:
        yield url


@pytest.mark.parametrize("store", ["folder", "s3"])
async def test_strange_files_cost_themselves(store: str, flow: ImportFlow, endpoint: str, tmp_path: Path) -> None:
    flow.setting_overrides["google_drive_endpoint"] = endpoint
    if store == "folder":
        await _import_and_check(flow)
        return
    with moto(tmp_path) as s3:
        bucket = Bucket(endpoint=s3, prefix="some/prefix")
        flow.setting_overrides |= bucket.settings
        flow.read_objects = bucket.stored_objects
        await _import_and_check(flow)


async def _import_and_check(flow: ImportFlow) -> None:
    result = await flow.run(f"https://drive.google.com/drive/folders/{ROOT}")

    items = (await flow.items(result.job)).values()
    failed = [item for item in items if item.state == ItemState.FAILED]
    assert (result.job.state, exit_code_for_result(result)) == (JobState.COMPLETED, ExitCode.FAILURE)
    assert {item.file_id for item in items if item.state == ItemState.STORED} == {
        SVG,
        *(file_id.replace("\\\\", "\\") for file_id in STORED),
    }
    assert [item.reason for item in failed] == [Reason.INVALID_ENTRY] * len(FAILED)
    objects = flow.objects()
    assert len(objects) == len(STORED) + 1
    assert {key.partition("/")[0] for key in objects} == {ROOT}
    assert objects[f"{ROOT}/1Good0001AbCdEfGhIjKlMnOpQrStUvWx_a.jpg"] == JPEG
    await flow.assert_consistent(result)
