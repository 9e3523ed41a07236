"""The commands for jobs, as a person or a script runs them."""

import asyncio
from pathlib import Path

import pytest

from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.shell import Shell

JPEG = b"\xff\xd8\xff\xe0"

pytestmark = pytest.mark.integration


@pytest.fixture
def shell(drive: DriveTestServer, tmp_path: Path) -> Shell:
    return Shell(drive, tmp_path / "home")


async def test_failed_files_are_retried_until_the_job_finishes(
    tree: Tree, drive: DriveTestServer, shell: Shell
) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    locked = tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    result = await shell("import", drive.folder_url(root), "--json")
    job_id = str(result.json["job_id"])
    assert result.code == 1
    assert f"imageferry retry {job_id}" in result.stderr
    tree._changed(locked, downloadable=True)
    result = await shell("retry", job_id, "--reason", "forbidden", "--json")
    assert (result.code, result.json["stored"], result.json["failed"]) == (0, 2, 0)
    result = await shell("jobs", job_id[:8], "--json")
    assert (result.json["status"], result.json["actions"]) == ("completed", [])
    assert (await shell("jobs", "zz")).code == 3
    assert (await shell("manifest", job_id[:4])).code == 0
    result = await shell("pause", job_id[:8])
    assert (result.code, result.stdout) == (2, "")
    assert "You can't pause" in result.stderr


async def test_a_job_is_cancelled_while_another_command_works_on_it(tree: Tree, shell: Shell) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 300, size_bytes=1000)
    async with DriveTestServer(tree, latency_s=0.3) as slow:
        shell = Shell(slow, shell.home)
        import_task = asyncio.create_task(shell("import", slow.folder_url(root), IMAGEFERRY_CONCURRENCY="4"))
        while slow.requests.downloads_by_file.total() < 10:  # noqa: ASYNC110 - the test server only has counters
            await asyncio.sleep(0.05)
        listed = (await shell("jobs", "--json")).json["jobs"]
        assert isinstance(listed, list)
        result = await shell("cancel", listed[0]["job_id"], "--json")
        assert (result.code, result.json["status"]) == (0, "cancelled")
        imported = await import_task
        assert imported.code == 1
        assert "Cancelled" in imported.stderr


async def test_the_stored_images_of_a_cancelled_job_are_discarded(
    tree: Tree, drive: DriveTestServer, shell: Shell
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 20, size_bytes=1000)
    tree.file(tree.folder("Sub", parent=root), "b.jpg", content=JPEG, downloadable=False)
    result = await shell("import", drive.folder_url(root), "--json")
    assert result.json["stored"] == 20
    assert (await shell("cancel", str(result.json["job_id"]), "--discard")).code == 2
    assert (await shell("retry", str(result.json["job_id"]), "--detach")).code == 0
    result = await shell("cancel", str(result.json["job_id"]), "--discard", "--json")
    assert (result.code, result.json["status"], result.json["stored"]) == (0, "cancelled", 0)
    assert [path for path in (shell.home / "store").rglob("*") if path.is_file()] == []


async def test_the_same_commands_use_a_remote_gateway(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    root = tree.folder("Root")
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = (await gateway.import_folder(flow.drive.folder_url(root)))["job_id"]
        shell = Shell(flow.drive, tmp_path / "remote")
        listed = (await shell("jobs", "--server", gateway.url, "--json")).json["jobs"]
        assert isinstance(listed, list)
        assert [(job["job_id"], job["failed"]) for job in listed] == [(job_id, 1)]
        result = await shell("retry", job_id, "--json", IMAGEFERRY_SERVER=gateway.url)
        assert (result.code, result.json["status"]) == (1, "completed")
        assert len((await shell("manifest", job_id, IMAGEFERRY_SERVER=gateway.url)).stdout.splitlines()) == 1
        assert (await shell("prune", "--days", "0", IMAGEFERRY_SERVER=gateway.url)).code == 0
        assert (await gateway.get("/api/jobs"))["items"] == []
    assert not (tmp_path / "remote").exists()
