"""Decoding of the API's responses."""

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
    "body", [b"", b"<html>", b"[]", b"{}", b'{"error": {"code": 500}}', b'{"files": [{"name": "no id"}]}', b"\xff"]
)
def test_an_invalid_listing_is_never_mistaken_for_an_empty_folder(body: bytes) -> None:
    with pytest.raises(TransientError):
        parse_page(body)
    with pytest.raises(TransientError):
        parse_drive_file(body)


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
