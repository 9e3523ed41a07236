"""Unusual names, contents and folder structures."""

from io import BytesIO

import pytest
from PIL import Image

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.file_content import sample_jpeg
from imageferry.demo.generated_tree import generate_tree
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import Reason
from imageferry.model import ItemState, JobOptions
from imageferry.stores.keys import NAME_BYTES_MAX
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0 a photograph \xff\xd9"
HOSTILE_NAMES = (
    "../../../etc/passwd.jpg",
    "/etc/cron.d/evil.jpg",
    "a/b\\c.jpg",
    "nul\0byte.jpg",
    "two\nlines\r\n.jpg",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe.jpg",
    "\N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{HEAVY BLACK HEART}.jpg",
    "x" * 5_000 + ".jpg",
    "\N{HIRAGANA LETTER A}" * 2_000 + ".jpg",
    "CON.jpg",
    "CON",
    "=cmd|' /C calc'!A0.jpg",
    "%2e%2e%2f.jpg",
    "~root/#1.jpg",
    " . .jpg ",
    "..",
    "'; DROP TABLE images; --.jpg",
    "<script>alert(1)</script>.jpg",
    "e\N{COMBINING ACUTE ACCENT}.jpg",
)


async def test_hostile_names_are_recorded_unchanged_and_never_used_in_the_store(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("../Root\0")
    files = [
        tree.file(root, name, content=JPEG + bytes([number]), mime_type="image/jpeg")
        for number, name in enumerate(HOSTILE_NAMES)
    ]

    result = await flow.run(root)

    records = await flow.records()
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, len(HOSTILE_NAMES))
    for file in files:
        folder, _, name = records[file.id].object_key.partition("/")
        assert records[file.id].name == file.name
        assert folder == root.id
        assert name.startswith(f"{file.id}_")
        assert "/" not in name
        assert name.isprintable()
        assert len(name.encode()) <= len(file.id) + 1 + NAME_BYTES_MAX
    await flow.assert_consistent(result)


async def test_files_with_the_same_name_are_all_stored(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    files = [tree.file(root, "IMG_0001.jpg", content=JPEG + bytes([number])) for number in range(3)]
    same_content = tree.file(root, "IMG_0001.jpg", content=JPEG + bytes([0]))

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 4)
    assert (await flow.records()).keys() == {file.id for file in (*files, same_content)}
    await flow.assert_consistent(result)


@pytest.mark.parametrize("key", ["with a key", "without"])
async def test_an_empty_file_fails_as_empty(tree: Tree, flow: ImportFlow, key: str) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "nothing.jpg", content=b"")
    tree.file(root, "something.jpg", content=JPEG)
    if key == "without":
        flow.setting_overrides["google_api_key"] = None

    result = await flow.run(root)

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.FAILURE, 1)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.EMPTY)
    assert flow.drive.requests.downloads_by_file[file.id] <= 1
    await flow.assert_consistent(result)


@pytest.mark.parametrize(
    ("name", "claimed", "content", "detected"),
    [
        ("a.png", "image/png", JPEG, "image/jpeg"),
        ("a.jpg", "application/octet-stream", b"\x89PNG\r\n\x1a\n...", "image/png"),
        ("a.HEIC", "application/octet-stream", b"\0\0\0\x18ftypheic....", "image/heic"),
        ("a", "image/jpeg", b"GIF89a...", "image/gif"),
        ("a.nef", "application/octet-stream", b"MM\0*raw", "image/x-nikon-nef"),
        ("a.jpg", "text/html", JPEG, "image/jpeg"),
    ],
)
async def test_the_content_decides_the_type_of_an_image(  # noqa: PLR0917 - one parameter for each column of the table
    tree: Tree, flow: ImportFlow, name: str, claimed: str, content: bytes, detected: str
) -> None:
    root = tree.folder("Root")
    file = tree.file(root, name, content=content, mime_type=claimed)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    assert (await flow.records())[file.id].mime_type == detected
    await flow.assert_consistent(result)


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><script>alert(1)</script>", b"%PDF-1.7", b"PK\x03\x04", b"\x7fELF", b"RIFF....WAVE"],
)
async def test_a_file_that_only_claims_to_be_an_image_is_skipped(tree: Tree, flow: ImportFlow, content: bytes) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "holiday.jpg", content=content, mime_type="image/jpeg")

    result = await flow.run(root)

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), item.state, item.reason) == (
        ExitCode.SUCCESS,
        ItemState.SKIPPED,
        Reason.NOT_AN_IMAGE,
    )
    assert flow.objects() == {}
    await flow.assert_consistent(result)


async def test_unusual_images_are_stored_byte_for_byte(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    files = {name: tree.file(root, name, content=content) for name, content in _unusual_images().items()}

    result = await flow.run(root)

    objects, records = flow.objects(), await flow.records()
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, len(files))
    for name, content in _unusual_images().items():
        assert objects[records[files[name].id].object_key] == content
    await flow.assert_consistent(result)


async def test_a_script_in_an_svg_cannot_run_in_the_gateways_origin(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    tree.file(root, "drawing.svg", content=svg, mime_type="image/svg+xml")
    result = await flow.run(root)
    (record,) = (await flow.records()).values()

    async with (
        running_gateway(on_free_port(flow)) as gateway,
        gateway.session.get(f"/api/images/{record.id}/content") as response,
    ):
        assert response.status == 200
        assert await response.read() == svg
        policy = response.headers["Content-Security-Policy"]

    assert policy.startswith("sandbox;")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    await flow.assert_consistent(result)


async def test_native_documents_are_skipped(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    document = tree.document(root, "Notes")
    drawing = tree.document(root, "Sketch.png", mime_type="application/vnd.google-apps.drawing")

    result = await flow.run(root)

    items = await flow.items(result.job)
    assert (exit_code_for_result(result), result.job.skipped) == (ExitCode.SUCCESS, 2)
    for node in (document, drawing):
        assert (items[node.id].state, items[node.id].reason) == (ItemState.SKIPPED, Reason.NATIVE_DOCUMENT)
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    await flow.assert_consistent(result)


async def test_shortcut_cycles_end_and_each_target_is_imported_once(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    day = tree.folder("Day", parent=root)
    file = tree.file(day, "a.jpg", content=JPEG)
    elsewhere = tree.folder("Elsewhere")
    other = tree.file(elsewhere, "b.jpg", content=JPEG)
    tree.shortcut(day, to=root)
    tree.shortcut(day, to=day)
    tree.shortcut(elsewhere, to=day)
    for _ in range(3):
        tree.shortcut(root, to=elsewhere)
        tree.shortcut(root, to=file)
        tree.shortcut(day, to=other)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.discovered, result.job.stored) == (ExitCode.SUCCESS, 2, 2)
    assert flow.drive.requests.downloads_by_file == {file.id: 1, other.id: 1}
    assert flow.drive.requests.count(Operation.LISTING) == 3
    await flow.assert_consistent(result)


async def test_shortcuts_without_a_target_are_skipped(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    gone_file = tree.file(tree.folder("Elsewhere"), "gone.jpg", content=JPEG)
    gone_folder = tree.folder("Gone")
    dangling = tree.shortcut(root, to=gone_file)
    tree.shortcut(root, to=gone_folder)
    tree.file(root, "here.jpg", content=JPEG)
    tree.delete(gone_file)
    tree.delete(gone_folder)

    result = await flow.run(root)

    items = await flow.items(result.job)
    assert (exit_code_for_result(result), result.job.stored, result.job.skipped) == (ExitCode.SUCCESS, 1, 2)
    assert {items[dangling.id].reason, items[gone_folder.id].reason} == {Reason.DANGLING_SHORTCUT}
    await flow.assert_consistent(result)


async def test_files_fifty_folders_deep_are_found(tree: Tree, flow: ImportFlow) -> None:
    root = generate_tree(tree, files=50, size_bytes=500, folders=50, depth=50)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 50)
    assert max(row.path.count("/") for row in (await flow.records()).values()) == 49
    await flow.assert_consistent(result)


async def test_twenty_thousand_files_in_one_folder_are_all_found(tree: Tree, flow: ImportFlow) -> None:
    root = generate_tree(tree, files=20_000, size_bytes=40)

    result = await flow.run(root, options=JobOptions(include=("IMG_*00.jpg",)))

    assert (exit_code_for_result(result), result.job.discovered, result.job.stored) == (ExitCode.SUCCESS, 20_000, 200)
    assert flow.drive.requests.count(Operation.LISTING) == 20
    await flow.assert_consistent(result)


async def test_an_empty_folder_is_imported_with_no_files(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.folder("Empty too", parent=root)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.discovered) == (ExitCode.SUCCESS, 0)
    await flow.assert_consistent(result)


async def test_files_that_fail_in_different_ways_do_not_affect_the_others(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    for number in range(120):
        tree.file(root, f"{number:03}.jpg", content=JPEG + bytes([number]))
    kinds = (Damage.SHORT, Damage.HTML, Damage.FLIPPED_BIT, Damage.RESET_HALF_WAY, Damage.LONG)
    flow.drive.faults.add(*(Fault(kind=kind, file=f"{number:03}.jpg") for number, kind in enumerate(kinds)))

    result = await flow.run(root)

    assert (result.job.stored, result.job.failed) == (115, 5)
    assert exit_code_for_result(result) is ExitCode.RETRYABLE
    await flow.assert_consistent(result)


def _unusual_images() -> dict[str, bytes]:
    huge_png = _png_of_size(width=60_000, height=60_000)
    return {
        "truncated.jpg": sample_jpeg()[:-200],
        "cmyk.jpg": _saved(Image.new("CMYK", (20, 10), (10, 20, 30, 40)), "JPEG"),
        "16 bit.png": _saved(Image.new("I;16", (20, 10), 40_000), "PNG"),
        "profile.png": _saved(Image.new("RGB", (20, 10)), "PNG", icc_profile=b"not a profile"),
        "animated.webp": _saved(
            Image.new("RGB", (20, 10)), "WEBP", save_all=True, append_images=[Image.new("RGB", (20, 10), "red")]
        ),
        "picture.avif": _saved(Image.new("RGB", (20, 10)), "AVIF"),
        "picture.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "huge_png.png": huge_png,
    }


def _png_of_size(*, width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size that its few bytes do not have."""
    whole = _saved(Image.new("L", (1, 1)), "PNG")
    return whole[:16] + width.to_bytes(4) + height.to_bytes(4) + whole[24:]


def _saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()
