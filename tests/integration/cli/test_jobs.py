"""The commands for jobs, as a person or a script runs them."""

import asyncio
from pathlib import Path

import pytest

from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.shell import Shell

JPEG = b"\xff\xd8\xff\xe0"

pytestmark = pytest.mark.integration


@pytest.fixture
def shell(drive: StandIn, tmp_path: Path) -> Shell:
    return Shell(drive, tmp_path / "home")


async def test_what_failed_is_tried_again_to_its_end(tree: Tree, drive: StandIn, shell: Shell) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    locked = tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    told = await shell("import", drive.folder_url(root), "--json")
    job_id = str(told.json["job_id"])
    assert told.code == 1
    assert f"imageferry retry {job_id}" in told.err
    tree._changed(locked, downloadable=True)
    told = await shell("retry", job_id, "--reason", "forbidden", "--json")
    assert (told.code, told.json["stored"], told.json["failed"]) == (0, 2, 0)
    told = await shell("jobs", job_id, "--json")
    assert (told.json["status"], told.json["actions"]) == ("completed", [])
    told = await shell("pause", job_id)
    assert (told.code, told.out) == (2, "")
    assert "not possible to pause" in told.err


async def test_a_job_is_cancelled_while_another_command_works_on_it(tree: Tree, shell: Shell) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 300, size_bytes=1000)
    async with StandIn(tree, latency_s=0.3) as slow:
        shell = Shell(slow, shell.home)
        importing = asyncio.create_task(shell("import", slow.folder_url(root), IMAGEFERRY_CONCURRENCY="4"))
        while slow.requests.downloads_by_file.total() < 10:  # noqa: ASYNC110 - the stand-in tells by its counters
            await asyncio.sleep(0.05)
        listed = (await shell("jobs", "--json")).json["jobs"]
        assert isinstance(listed, list)
        told = await shell("cancel", listed[0]["job_id"], "--json")
        assert (told.code, told.json["status"]) == (0, "cancelled")
        ended = await importing
        assert ended.code == 1
        assert "Cancelled" in ended.err


async def test_what_a_cancelled_job_stored_is_discarded(tree: Tree, drive: StandIn, shell: Shell) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 20, size_bytes=1000)
    tree.file(tree.folder("Sub", parent=root), "b.jpg", content=JPEG, downloadable=False)
    told = await shell("import", drive.folder_url(root), "--json")
    assert told.json["stored"] == 20
    assert (await shell("cancel", str(told.json["job_id"]), "--discard")).code == 2
    assert (await shell("retry", str(told.json["job_id"]), "--detach")).code == 0
    told = await shell("cancel", str(told.json["job_id"]), "--discard", "--json")
    assert (told.code, told.json["status"], told.json["stored"]) == (0, "cancelled", 0)
    assert [path for path in (shell.home / "store").rglob("*") if path.is_file()] == []


async def test_the_same_commands_ask_a_gateway_elsewhere(tree: Tree, flow: Flow, tmp_path: Path) -> None:
    root = tree.folder("Root")
    tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    async with served(anywhere(flow)) as gateway:
        job_id = (await gateway.run(flow.drive.folder_url(root)))["job_id"]
        shell = Shell(flow.drive, tmp_path / "elsewhere")
        listed = (await shell("jobs", "--server", gateway.url, "--json")).json["jobs"]
        assert isinstance(listed, list)
        assert [(job["job_id"], job["failed"]) for job in listed] == [(job_id, 1)]
        told = await shell("retry", job_id, "--json", IMAGEFERRY_SERVER=gateway.url)
        assert (told.code, told.json["status"]) == (1, "completed")
        assert len((await shell("manifest", job_id, IMAGEFERRY_SERVER=gateway.url)).out.splitlines()) == 1
        assert (await shell("prune", "--days", "0", IMAGEFERRY_SERVER=gateway.url)).code == 0
        assert (await gateway.get("/api/jobs"))["items"] == []
    assert not (tmp_path / "elsewhere").exists()
