"""`imageferry images`: what is in the catalog, for a terminal or a script."""

import json
from zipfile import ZipFile

from imageferry.cli.exit_codes import Exit
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.processes import Ended, command

JPEG = b"\xff\xd8\xff\xe0"


async def test_images_are_listed_and_deleted_by_what_they_have(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    for number in range(3):
        tree.file(root, f"Sea {number}.jpg", content=JPEG + bytes([number]), mime_type="image/jpeg")
    tree.file(root, "Hill.jpg", content=JPEG + b"hill", mime_type="image/jpeg")
    await flow.run(root)

    async def images(*words: str) -> Ended:
        async with command(flow, "images", *words) as process:
            return await process.ended()

    listed = await images("sea", "--sort", "-name", "--limit", "2", "--json")
    told = json.loads(listed.answer)
    assert [image["name"] for image in told["images"]] == ["Sea 2.jpg", "Sea 1.jpg"]
    assert (told["total"], told["total_exact"]) == (3, True)
    assert "3 of 3 images" in (await images("sea")).answer
    ids = [str(image["id"]) for image in told["images"]]
    named = await images("--id", ids[0], "--id", ids[1], "--json")
    assert {image["name"] for image in json.loads(named.answer)["images"]} == {"Sea 2.jpg", "Sea 1.jpg"}
    assert (await images("sea", "--download", str(flow.home / "sea.zip"))).code == Exit.DONE
    with ZipFile(flow.home / "sea.zip") as archive:
        assert set(archive.namelist()) == {"Sea 0.jpg", "Sea 1.jpg", "Sea 2.jpg"}
    assert (await images("nothing", "--download", str(flow.home / "none.zip"))).code == Exit.OTHER
    # Everything; with nobody to ask; two ways at once; where nothing can be written.
    nowhere = str(flow.home / "none" / "a.zip")
    for refused in (("--delete",), ("sea", "--delete"), ("sea", "--id", "1"), ("sea", "--download", nowhere)):
        assert (await images(*refused)).code == Exit.USAGE
    deleted = await images("sea", "--delete", "--yes", "--json")
    assert json.loads(deleted.answer) == {"deleted": 3, "failed": 0}
    assert [path.name[-8:] for path in (flow.home / "store").rglob("*") if path.is_file()] == ["Hill.jpg"]
    assert (await images("sea")).answer.strip() == "No image fits."
