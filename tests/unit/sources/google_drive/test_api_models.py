"""Drive's answers, as values of the flow."""

import json
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.errors import TransientError
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, Media, Page, Shortcut
from imageferry.sources.google_drive.api_models import drive_file_from, file_from, page_from
from imageferry.sources.google_drive.image_metadata import media_from

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
    taken_at=datetime(2024, 5, 1, 12, 30),  # noqa: DTZ001 - a camera's clock knows no zone
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
    return page_from(json.dumps({"files": files, **rest}).encode())


def media(**metadata: object) -> Media | None:
    return media_from(msgspec.Raw(json.dumps(metadata).encode()))


def test_a_file_is_told_with_size_digest_version_and_media() -> None:
    assert page(PICTURE).files == (
        File(
            id="file-1",
            name="a.jpg",
            mime_type="image/jpeg",
            size_bytes=12345,
            md5=MD5,
            version=MD5,
            modified_at=datetime(2024, 5, 1, 10, 30),  # noqa: DTZ001 - the flow's times have no zone
            media=MEDIA,
        ),
    )


def test_folders_and_shortcuts_and_documents_are_told_apart() -> None:
    found = page(
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
    assert found.folders == (Folder(id="1", name="Beach", resource_key="0-k"),)
    assert found.shortcuts == (
        Shortcut(id="2", name="Elsewhere", target_id="3", target_mime_type=FOLDER_MIME_TYPE, target_resource_key="0-t"),
    )
    document = File(id="4", name="Notes", mime_type="application/vnd.google-apps.document", version="2024|None")
    assert found.files == (document,)


def test_a_page_tells_whether_another_follows_and_whether_it_is_complete() -> None:
    assert page() == Page()
    assert page(nextPageToken="next", incompleteSearch=True) == Page(next_page_token="next", complete=False)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"error": {"code": 500}}', b'{"files": [{"name": "no id"}]}', b"\xff"]
)
def test_what_is_no_listing_is_never_taken_for_an_empty_folder(body: bytes) -> None:
    with pytest.raises(TransientError):
        page_from(body)
    with pytest.raises(TransientError):
        drive_file_from(body)


def test_a_file_that_forbids_its_download_says_so() -> None:
    (file,) = page(PICTURE | {"capabilities": {"canDownload": False}}).files
    assert not file.downloadable


@given(name=st.text())
def test_names_are_kept_as_they_are(name: str) -> None:
    surrogates = json.dumps({"id": "1", "name": name}).encode()
    assert file_from(drive_file_from(surrogates)).name == name


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
def test_odd_media_is_as_good_as_none(metadata: dict[str, object]) -> None:
    assert media(**metadata) == Media()


def test_media_of_the_wrong_types_does_not_cost_the_page() -> None:
    (file,) = page(PICTURE | {"imageMediaMetadata": {"width": "wide"}}).files
    assert file.media is None


def test_media_that_no_catalog_could_hold_is_cut_to_what_it_can() -> None:
    odd = media(cameraMake="Canon\0\0", cameraModel="\0" * 8, lens="x" * 300, width=3_000_000_000, height=-1)
    assert odd == Media(camera="Canon", lens="x" * 255)


def test_a_camera_is_not_told_its_make_twice() -> None:
    found = media(cameraMake="NIKON", cameraModel="Nikon D750")
    assert found is not None
    assert found.camera == "Nikon D750"
