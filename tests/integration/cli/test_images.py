"""`imageferry images` as a process."""

import json
from zipfile import ZipFile

from imageferry.cli.exit_codes import ExitCode
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.processes import CommandResult, command

JPEG = b"\xff\xd8\xff\xe0"


async def test_images_are_listed_downloaded_and_deleted_by_conditions(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    for number in range(3):
        tree.file(root, f"Sea {number}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    tree.file(root, "Hill.jpg", content=JPEG + b"hill", mime_type="image/jpeg")
    await flow.run(root)

    async def images(*arguments: str) -> CommandResult:
        async with command(flow, "images", *arguments) as process:
            return await process.wait()

    listed = await images("sea", "--sort", "-name", "--limit", "2", "--json")
    listing = json.loads(listed.stdout)
    assert [image["name"] for image in listing["images"]] == ["Sea 2.jpg", "Sea 1.jpg"]
    assert (listing["total"], listing["total_exact"]) == (3, True)
    assert "3 of 3 images" in (await images("sea")).stdout
    on_days = await images("sea", "--taken-from", "2020-01-01", "--taken-to", "2100-01-01", "--no-location", "--json")
    assert json.loads(on_days.stdout)["total"] == 3
    in_future = await images("sea", "--taken-from", "2100-01-01", "--json")
    assert json.loads(in_future.stdout)["total"] == 0
    ids = [str(image["id"]) for image in listing["images"]]
    by_id = await images("--id", ids[0], "--id", ids[1], "--json")
    assert {image["name"] for image in json.loads(by_id.stdout)["images"]} == {"Sea 2.jpg", "Sea 1.jpg"}
    first_page = json.loads((await images("sea", "--limit", "2", "--json")).stdout)
    second_page = json.loads((await images("sea", "--limit", "2", "--cursor", first_page["next"], "--json")).stdout)
    assert ([image["name"] for image in second_page["images"]], second_page["next"]) == (["Sea 2.jpg"], None)
    assert (await images("sea", "--download", str(flow.home / "sea.zip"))).code == ExitCode.SUCCESS
    with ZipFile(flow.home / "sea.zip") as archive:
        assert set(archive.namelist()) == {"Sea 0.jpg", "Sea 1.jpg", "Sea 2.jpg"}
    assert (await images("nothing", "--download", str(flow.home / "none.zip"))).code == ExitCode.FAILURE
    # No condition; no terminal to confirm on; IDs and conditions; a file that cannot be written.
    unwritable = str(flow.home / "none" / "a.zip")
    for arguments in (
        ("--delete",),
        ("sea", "--delete"),
        ("sea", "--delete", "--yes", "--limit", "1"),
        ("sea", "--id", "1"),
        ("--id", "1", "--cursor", "x"),
        ("sea", "--download", unwritable),
    ):
        assert (await images(*arguments)).code == ExitCode.USAGE
    deleted = await images("sea", "--delete", "--yes", "--json")
    assert json.loads(deleted.stdout) == {"deleted": 3, "failed": 0}
    assert [path.name[-8:] for path in (flow.home / "store").rglob("*") if path.is_file()] == ["Hill.jpg"]
    assert (await images("sea")).stdout.strip() == "No images match."


async def test_all_matching_images_are_downloaded(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    for folder in (root, tree.folder("a", parent=root)):
        for number in range(30):
            tree.file(folder, "IMG.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    await flow.run(root)
    lost = next(path for path in (flow.home / "store").rglob("*.jpg") if path.read_bytes() == JPEG + b"\7")
    lost.unlink()

    async with command(flow, "images", "img", "--download", str(flow.home / "all.zip")) as process:
        result = await process.wait()
    assert result.code == ExitCode.FAILURE
    assert "Saved 59 images" in result.stderr
    with ZipFile(flow.home / "all.zip") as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert len(set(names)) == 59
        assert {archive.read(name) for name in names} == {JPEG + bytes([number]) for number in range(30)}
        assert archive.read("missing images.txt").startswith(b"IMG.jpg: ")
    async with command(flow, "images", "--limit", "2", "--download", str(flow.home / "two.zip")) as process:
        assert (await process.wait()).code == ExitCode.SUCCESS
    with ZipFile(flow.home / "two.zip") as archive:
        assert len(archive.namelist()) == 2
