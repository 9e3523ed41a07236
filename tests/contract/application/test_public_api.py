"""`imageferry.import_folder` against the Drive test server, using only the public names."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

import imageferry
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree

PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _environment(drive: DriveTestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that a program would have, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGEFERRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GOOGLE_API_KEY", drive.api_key)
    monkeypatch.setenv("GOOGLE_DRIVE_ENDPOINT", drive.url)
    monkeypatch.setenv("GOOGLE_DRIVE_WEB_ENDPOINT", drive.url)


async def test_a_folder_is_imported(tree: Tree, drive: DriveTestServer, tmp_path: Path) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=PNG + b"a", mime_type="image/png")
    tree.file(root, "empty.png", content=b"", mime_type="image/png")
    tree.file(root, "notes.txt", content=b"text", mime_type="text/plain")
    updates: list[imageferry.Job] = []
    manifest = tmp_path / "manifest.jsonl"

    result = await imageferry.import_folder(
        drive.folder_url(root), store=str(tmp_path / "photos"), on_progress=updates.append, manifest=manifest
    )

    assert isinstance(result, imageferry.ImportResult)
    assert result.job.state is imageferry.JobState.COMPLETED
    assert (result.job.stored, result.job.skipped, result.job.failed) == (1, 1, 1)
    assert result.failures == {imageferry.Reason.EMPTY: 1}
    assert result.skips == {imageferry.Reason.NOT_AN_IMAGE: 1}
    assert not result.interrupted
    assert {job.id for job in updates} == {result.job.id}
    keys = [
        entry["key"] for entry in map(json.loads, manifest.read_text().splitlines()) if entry["outcome"] == "stored"
    ]
    assert [(tmp_path / "photos" / key).read_bytes() for key in keys] == [PNG + b"a"]


async def test_options_and_settings_are_used(tree: Tree, drive: DriveTestServer, tmp_path: Path) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=PNG + b"a", mime_type="image/png")
    tree.file(root, "b.png", content=PNG + b"b", mime_type="image/png")
    settings = imageferry.Settings.load(home=tmp_path / "other")
    options = imageferry.JobOptions(include=("b.*",))
    result = await imageferry.import_folder(drive.folder_url(root), options=options, settings=settings)
    assert (result.job.stored, result.job.skipped) == (1, 1)
    (stored,) = (path for path in (tmp_path / "other" / "store").rglob("*") if path.is_file())
    assert stored.read_bytes() == PNG + b"b"


async def test_a_cancelled_import_is_resumed_by_the_next_call(tree: Tree, tmp_path: Path) -> None:
    root = tree.folder("Holiday")
    tree.numbered_files(root, 60, size_bytes=1000)
    async with DriveTestServer(tree, latency_s=0.05) as slow:
        settings = imageferry.Settings.load(
            google_api_key=slow.api_key,
            google_drive_endpoint=slow.url,
            google_drive_web_endpoint=slow.url,
            concurrency=4,
        )
        progressed = asyncio.Event()

        def on_progress(_: imageferry.Job) -> None:
            if slow.requests.count(Operation.MEDIA) >= 10:
                progressed.set()

        task = asyncio.create_task(
            imageferry.import_folder(slow.folder_url(root), settings=settings, on_progress=on_progress)
        )
        progress_task = asyncio.create_task(progressed.wait())
        await asyncio.wait([task, progress_task], return_when=asyncio.FIRST_COMPLETED)
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

        result = await imageferry.import_folder(slow.folder_url(root), settings=settings)
        assert (result.job.state, result.job.stored) == (imageferry.JobState.COMPLETED, 60)
        # Every file was stored once, and only transfers that the cancellation cut off were repeated.
        assert len([path for path in (tmp_path / "home" / "store").rglob("*") if path.is_file()]) == 60
        assert slow.requests.count(Operation.MEDIA) <= 60 + 2 * settings.concurrency


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://example.com/folder", imageferry.UsageError),
        ("1AbCdEfGhIjKlMnOpQrStUvWxYz012345", imageferry.NotFoundError),
    ],
)
async def test_an_unusable_url_raises(url: str, error: type[imageferry.ImageferryError]) -> None:
    with pytest.raises(error):
        await imageferry.import_folder(url)
