"""Decoding of the API's responses."""

import contextlib
import json
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.errors import TransientError
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, Media, Page, Shortcut
from imageferry.sources.google_drive.api_models import parse_drive_file, parse_page, to_file
from imageferry.sources.google_drive.image_metadata import parse_media

METADATA: dict[str, object] = {
    "width": 4032,
    "height": 3024,
    "rotation": 1,
    "time": "2024:05:01 12:30:00",
    "location": {"latitude": 47.5, "longitude": -8.25, "altitude": 410.0},
    "cameraMake": "Apple",
    "cameraModel": "iPhone 15",
    "lens": "back camera",
    "isoSpeed": 64,
    "aperture": 1.78,
    "exposureTime": 0.002,
    "focalLength": 6.86,
    "flashUsed": False,
}
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
PICTURE: dict[str, object] = {
    "id": "file-1",
    "name": "a.jpg",
    "mimeType": "image/jpeg",
    "size": "12345",
    "md5Checksum": MD5,
    "modifiedTime": "2024-05-01T10:30:00.000Z",
    "capabilities": {"canDownload": True},
    "imageMediaMetadata": METADATA,
}
MEDIA = Media(
    width=4032,
    height=3024,
    rotation=1,
    taken_at=datetime(2024, 5, 1, 12, 30),  # noqa: DTZ001 - a camera's clock has no zone
    camera="Apple iPhone 15",
    lens="back camera",
    latitude=47.5,
    longitude=-8.25,
    altitude_m=410.0,
    iso=64,
    aperture=1.78,
    exposure_s=0.002,
    focal_length_mm=6.86,
)


def page(*files: dict[str, object], **rest: object) -> Page:
    return parse_page(json.dumps({"files": files, **rest}).encode())


def media(**metadata: object) -> Media | None:
    return parse_media(msgspec.Raw(json.dumps(metadata).encode()))


def test_a_file_has_size_digest_version_and_media() -> None:
    assert page(PICTURE).files == (
        File(
            id="file-1",
            name="a.jpg",
            mime_type="image/jpeg",
            size_bytes=12345,
            md5=MD5,
            version=MD5,
            modified_at=datetime(2024, 5, 1, 10, 30),  # noqa: DTZ001 - times in the model have no zone
            media=MEDIA,
        ),
    )


def test_folders_shortcuts_and_documents_are_distinguished() -> None:
    parsed = page(
        {"id": "1", "name": "Beach", "mimeType": "application/vnd.google-apps.folder", "resourceKey": "0-k"},
        {
            "id": "2",
            "name": "Elsewhere",
            "mimeType": "application/vnd.google-apps.shortcut",
            "shortcutDetails": {
                "targetId": "3",
                "targetMimeType": "application/vnd.google-apps.folder",
                "targetResourceKey": "0-t",
            },
        },
        {"id": "4", "name": "Notes", "mimeType": "application/vnd.google-apps.document", "modifiedTime": "2024"},
    )
    assert parsed.folders == (Folder(id="1", name="Beach", resource_key="0-k"),)
    assert parsed.shortcuts == (
        Shortcut(id="2", name="Elsewhere", target_id="3", target_mime_type=FOLDER_MIME_TYPE, target_resource_key="0-t"),
    )
    document = File(id="4", name="Notes", mime_type="application/vnd.google-apps.document", version="2024|None")
    assert parsed.files == (document,)


def test_a_page_has_its_next_token_and_completeness() -> None:
    assert page() == Page()
    assert page(nextPageToken="next", incompleteSearch=True) == Page(next_page_token="next", is_complete=False)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"error": {"code": 500}}', b'{"files": {}}', b'{"files": [', b"\xff"]
)
def test_an_invalid_listing_is_never_mistaken_for_an_empty_folder(body: bytes) -> None:
    with pytest.raises(TransientError):
        parse_page(body)
    with pytest.raises(TransientError):
        parse_drive_file(body)


FIELDS: dict[str, object] = PICTURE | {"resourceKey": "0-k", "shortcutDetails": {"targetId": "2"}, "trashed": False}
WRONG: dict[str, tuple[object, ...]] = {
    "id": (None, 5, ["1"], {}),
    "name": (5, True, [], {}),
    "mimeType": (5, [], {}),
    "size": (-1, 2**63, "9" * 30, "9" * 5000, "many", "", 1.5, [], True),
    "md5Checksum": (5, [MD5]),
    "modifiedTime": (5, {}),
    "resourceKey": (5, "k" * 256),
    "capabilities": ("all", [], {"canDownload": "maybe"}),
    "shortcutDetails": ("there", [], {"targetId": 5}, {"targetId": "1", "targetMimeType": {}}),
    "trashed": ("perhaps", []),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_field_of_the_wrong_type_costs_its_entry_and_not_the_page(field: str, value: object) -> None:
    parsed = page(PICTURE, {"id": "odd", "name": "odd.jpg"} | FIELDS | {field: value}, PICTURE | {"id": "file-3"})
    assert [file.id for file in parsed.files] == ["file-1", "file-3"]
    (odd,) = parsed.unreadable
    assert odd.name == (FIELDS["name"] if field != "name" else "")
    assert f"`$.{field}" in odd.detail or field in odd.detail


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "id"])
def test_a_field_that_is_null_is_missing(field: str) -> None:
    assert page(FIELDS | {field: None}) == page({name: value for name, value in FIELDS.items() if name != field})


@pytest.mark.parametrize(
    "value",
    [
        rb'"\ud83d lone"',
        rb'"\udc00 lone"',
        rb'"\ud83d\ud83d"',
        b'"\xff\xfe"',
        b'"a\x01b"',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 5000,
        b"tru",
        b"'quoted'",
        rb'"\q"',
        b"[" * 5000 + b"]" * 5000,
        b'{"a": ' * 5000 + b"1" + b"}" * 5000,
    ],
)
@pytest.mark.parametrize("field", [b"name", b"unknown", b"imageMediaMetadata"])
def test_an_entry_that_is_no_json_costs_only_itself(field: bytes, value: bytes) -> None:
    good = json.dumps(PICTURE).encode()
    odd = b'{"id": "odd", "%b": %b, "size": "5"}' % (field, value)
    parsed = parse_page(b'{"files": [%b, %b, "text", %b], "nextPageToken": "next"}' % (good, odd, good))
    assert [file.id for file in parsed.files if file.id != "odd"] == ["file-1", "file-1"]
    assert len(parsed.files) + len(parsed.unreadable) == 4
    assert parsed.next_page_token == "next"


@pytest.mark.parametrize(
    "value", [rb'{"cameraModel": "\ud83d lone"}', b'{"lens": "\xff"}', b'{"width": NaN}', b"[]", b"5"]
)
def test_image_metadata_never_costs_its_file(value: bytes) -> None:
    (file,) = parse_page(b'{"files": [{"id": "1", "name": "a.jpg", "imageMediaMetadata": %b}]}' % value).files
    assert file.name == "a.jpg"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("filler", [b"[", b"{", b'"', b"\\", b"[]", b"{}", b'"",', b"[1],", rb"\ud83d", b"\xff"])
def test_any_bytes_are_read_in_one_pass(filler: bytes) -> None:
    with contextlib.suppress(TransientError):
        parse_page(b'{"files": [' + filler * (200_000 // len(filler)))


def test_a_shortcut_without_a_target_leads_nowhere() -> None:
    shortcut: dict[str, object] = {"id": "2", "name": "Elsewhere", "mimeType": "application/vnd.google-apps.shortcut"}
    parsed = page(shortcut, shortcut | {"shortcutDetails": {}}, shortcut | {"shortcutDetails": {"targetId": None}})
    assert [each.target_id for each in parsed.shortcuts] == [None, None, None]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59.999-12:00", "0001-01-01T00:00:00+14:00", "soon", "x" * 1000])
def test_a_time_that_does_not_exist_is_unknown(time: str) -> None:
    (file,) = page(PICTURE | {"modifiedTime": time, "md5Checksum": None}).files
    assert file.modified_at is None
    assert len(file.version or "") <= 255


@pytest.mark.parametrize("mime_type", ["image/\n", "image/é", "image", "image/png; a=b", "image/" + "x" * 300, "\0/\0"])
def test_a_mime_type_that_no_header_could_hold_is_unknown(mime_type: str) -> None:
    (file,) = page(PICTURE | {"mimeType": mime_type}).files
    assert file.mime_type == "application/octet-stream"


def test_a_file_without_download_permission_is_not_downloadable() -> None:
    (file,) = page(PICTURE | {"capabilities": {"canDownload": False}}).files
    assert not file.downloadable


@given(name=st.text())
def test_names_are_kept_unchanged(name: str) -> None:
    body = json.dumps({"id": "1", "name": name}).encode()
    assert to_file(parse_drive_file(body)).name == name


@pytest.mark.parametrize(
    "metadata",
    [
        {"time": "0000:00:00 00:00:00"},
        {"time": ""},
        {"time": "yesterday"},
        {"location": {}},
        {"cameraMake": " ", "cameraModel": ""},
        {"time": "0001:01:01 00:00:00"},
        {"time": "9999:12:31 23:59:59"},
        {"location": {"latitude": "NaN", "longitude": "NaN", "altitude": "NaN"}},
        {"location": {"latitude": 1e300, "longitude": -1e300, "altitude": 1e308}},
        {"location": {"latitude": "Infinity", "longitude": 5}},
        {"location": {"latitude": 91, "longitude": 5}},
        {"location": {"altitude": 5}},
        {"aperture": "NaN", "exposureTime": "Infinity", "focalLength": "-Infinity"},
        {},
    ],
)
def test_invalid_metadata_is_ignored(metadata: dict[str, object]) -> None:
    assert media(**metadata) == Media()


def test_metadata_of_the_wrong_types_does_not_fail_the_page() -> None:
    (file,) = page(PICTURE | {"imageMediaMetadata": {"width": "wide"}}).files
    assert file.media is None


def test_metadata_is_limited_to_what_every_database_accepts() -> None:
    odd = media(cameraMake="Canon\0\0", cameraModel="\0" * 8, lens="x" * 300, width=3_000_000_000, height=-1)
    assert odd == Media(camera="Canon", lens="x" * 255)


def test_a_camera_does_not_repeat_its_make() -> None:
    parsed = media(cameraMake="NIKON", cameraModel="Nikon D750")
    assert parsed is not None
    assert parsed.camera == "Nikon D750"
