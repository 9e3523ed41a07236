"""Which listed files are transferred, skipped or failed."""

import pytest

from imageferry.catalog.images.records import StoredVersion
from imageferry.errors import Reason
from imageferry.model import File, ItemState, JobOptions
from imageferry.pipeline.crawl.selection import classify_file, matches_patterns

PHOTO = File(id="1", name="a.jpg", mime_type="image/jpeg", size_bytes=10, md5="d1", version="d1")


@pytest.mark.parametrize(
    ("file", "state", "reason"),
    [
        (PHOTO, ItemState.PENDING, None),
        (
            File(id="1", name="n", mime_type="application/vnd.google-apps.document"),
            ItemState.SKIPPED,
            Reason.NATIVE_DOCUMENT,
        ),
        (File(id="1", name="n.txt", mime_type="text/plain"), ItemState.SKIPPED, Reason.NOT_AN_IMAGE),
        (File(id="1", name="n.jpg", size_bytes=0), ItemState.FAILED, Reason.EMPTY),
        (File(id="1", name="n.jpg", size_bytes=1, downloadable=False), ItemState.FAILED, Reason.FORBIDDEN),
    ],
)
def test_a_file_is_transferred_skipped_or_failed_by_its_listing(
    file: File, state: ItemState, reason: Reason | None
) -> None:
    listed = classify_file(file, folder_id="F", path="", options=JobOptions(), stored_versions={})
    assert (listed.state, listed.reason) == (state, reason)


def test_a_file_stored_in_this_version_is_unchanged() -> None:
    stored = {"1": StoredVersion(version="d1", size_bytes=10, object_key="F/old name")}
    listed = classify_file(PHOTO, folder_id="F", path="", options=JobOptions(), stored_versions=stored)
    assert (listed.state, listed.reason, listed.object_key) == (ItemState.SKIPPED, Reason.UNCHANGED, "F/old name")


def test_a_file_stored_in_another_version_overwrites_its_object() -> None:
    stored = {"1": StoredVersion(version="d0", size_bytes=10, object_key="F/old name")}
    listed = classify_file(PHOTO, folder_id="G", path="", options=JobOptions(), stored_versions=stored)
    assert (listed.state, listed.overwrites, listed.object_key) == (ItemState.PENDING, True, "F/old name")


def test_a_file_without_a_version_is_never_unchanged() -> None:
    stored = {"1": StoredVersion(version=None, size_bytes=10, object_key="k")}
    file = File(id="1", name="a.jpg", size_bytes=10)
    assert (
        classify_file(file, folder_id="F", path="", options=JobOptions(), stored_versions=stored).state
        is ItemState.PENDING
    )


@pytest.mark.parametrize(
    ("name", "path", "include", "exclude", "is_selected"),
    [
        ("a.JPG", "Day 1", ("*.jpg",), (), True),
        ("a.png", "Day 1", ("*.jpg",), (), False),
        ("a.jpg", "Day 1/Morning", ("Day 1/**",), (), True),
        ("a.jpg", "Day 2", ("Day 1/**",), (), False),
        ("a.jpg", "Raw", (), ("Raw/**",), False),
        ("a.jpg", "", ("*.{jpg,png}",), ("b*",), True),
        ("b.jpg", "", ("*.{jpg,png}",), ("b*",), False),
        (".hidden.jpg", "", ("*.jpg",), (), True),
        ("a.jpg", "Raw/x", (), ("Raw/",), False),
    ],
)
def test_include_and_exclude_patterns_select_files(
    *, name: str, path: str, include: tuple[str, ...], exclude: tuple[str, ...], is_selected: bool
) -> None:
    assert matches_patterns(name, path=path, options=JobOptions(include=include, exclude=exclude)) is is_selected
