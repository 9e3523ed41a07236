"""What is to become of listed files."""

import pytest

from imageferry.catalog.images.records import Held
from imageferry.errors import Reason
from imageferry.model import File, ItemState, JobOptions
from imageferry.pipeline.crawl.selection import judge, wanted

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
def test_each_file_has_one_verdict(file: File, state: ItemState, reason: Reason | None) -> None:
    find = judge(file, folder_id="F", path="", options=JobOptions(), held={})
    assert (find.state, find.reason) == (state, reason)


def test_a_file_that_is_held_in_this_version_is_unchanged() -> None:
    held = {"1": Held(version="d1", size_bytes=10, object_key="F/old name")}
    find = judge(PHOTO, folder_id="F", path="", options=JobOptions(), held=held)
    assert (find.state, find.reason, find.object_key) == (ItemState.SKIPPED, Reason.UNCHANGED, "F/old name")


def test_a_file_that_is_held_in_another_version_goes_where_the_old_one_stands() -> None:
    held = {"1": Held(version="d0", size_bytes=10, object_key="F/old name")}
    find = judge(PHOTO, folder_id="G", path="", options=JobOptions(), held=held)
    assert (find.state, find.replaces, find.object_key) == (ItemState.PENDING, True, "F/old name")


def test_a_file_without_a_version_is_never_taken_for_unchanged() -> None:
    held = {"1": Held(version=None, size_bytes=10, object_key="k")}
    file = File(id="1", name="a.jpg", size_bytes=10)
    assert judge(file, folder_id="F", path="", options=JobOptions(), held=held).state is ItemState.PENDING


@pytest.mark.parametrize(
    ("name", "path", "include", "exclude", "taken"),
    [
        ("a.JPG", "Day 1", ("*.jpg",), (), True),
        ("a.png", "Day 1", ("*.jpg",), (), False),
        ("a.jpg", "Day 1/Morning", ("Day 1/**",), (), True),
        ("a.jpg", "Day 2", ("Day 1/**",), (), False),
        ("a.jpg", "Raw", (), ("Raw/**",), False),
        ("a.jpg", "", ("*.{jpg,png}",), ("b*",), True),
        ("b.jpg", "", ("*.{jpg,png}",), ("b*",), False),
        (".hidden.jpg", "", ("*.jpg",), (), True),
    ],
)
def test_globs_take_and_leave(
    *, name: str, path: str, include: tuple[str, ...], exclude: tuple[str, ...], taken: bool
) -> None:
    assert wanted(name, path=path, options=JobOptions(include=include, exclude=exclude)) is taken
