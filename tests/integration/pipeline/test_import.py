"""Imports from a folder's URL to verified objects and records."""

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow


async def test_every_image_of_a_tree_of_folders_is_stored_verified_and_recorded(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "beach.jpg", content=b"\xff\xd8\xff beach", mime_type="image/jpeg")
    day = tree.folder("Day 1", parent=root)
    tree.file(day, "beach.jpg", content=b"\xff\xd8\xff another beach", mime_type="image/jpeg")
    tree.file(tree.folder("Morning", parent=day), "x.png", content=b"\x89PNG\r\n\x1a\n", mime_type="image/png")

    result = await flow.run(root)

    assert exit_code_for_result(result) is ExitCode.SUCCESS
    assert (result.job.discovered, result.job.stored) == (3, 3)
    assert {row.path for row in (await flow.records()).values()} == {"", "Day 1", "Day 1/Morning"}
    await flow.assert_consistent(result)


async def test_a_second_import_of_an_unchanged_folder_downloads_nothing(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    for number in range(5):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * 1000)
    await flow.run(root)
    flow.drive.requests.reset()

    again = await flow.run(root)

    assert (again.job.unchanged, again.job.stored, again.job.bytes_transferred) == (5, 0, 0)
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    assert exit_code_for_result(again) is ExitCode.SUCCESS
    await flow.assert_consistent(again)


async def test_a_changed_file_replaces_its_object_and_its_record(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    file = tree.file(root, "a.jpg", content=b"old")
    tree.file(root, "b.jpg", content=b"same")
    await flow.run(root)
    before = (await flow.records())[file.id]
    tree.replace_content(file, b"new content")

    result = await flow.run(root)

    after = (await flow.records())[file.id]
    assert (result.job.stored, result.job.unchanged) == (1, 1)
    assert (after.id, after.object_key, after.created_at) == (before.id, before.object_key, before.created_at)
    assert flow.objects()[after.object_key] == b"new content"
    await flow.assert_consistent(result)
