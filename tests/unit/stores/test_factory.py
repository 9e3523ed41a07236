"""Opening a store in a folder: whether its disk tells names apart that differ in case alone."""

from pathlib import Path

import pytest

from imageferry.stores import factory as opening
from imageferry.stores.factory import StoreConfig, open_store


def folds_case(folder: Path) -> bool:
    return open_store(StoreConfig(url=str(folder))).folds_case


def test_a_disk_is_asked_without_a_word_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(**_: object) -> None:
        raise AssertionError("A process that is killed now leaves it.")

    monkeypatch.setattr(opening, "NamedTemporaryFile", written)
    assert not folds_case(tmp_path / "store")


def test_another_folder_of_nearly_the_same_name_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "STORE").mkdir()
    assert not folds_case(tmp_path / "store")


def test_a_disk_that_folds_case_shows_the_folder_by_its_other_name(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "STORE").symlink_to("store")  # as such a disk would have it
    assert folds_case(tmp_path / "store")


@pytest.mark.parametrize("name", ["2026", "Österreich", "写真"])
def test_a_folder_of_any_name_is_asked(tmp_path: Path, name: str) -> None:
    assert not folds_case(tmp_path / name)
    assert list((tmp_path / name).iterdir()) == []


def test_where_a_disk_begins_a_file_is_made_for_it_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    (tmp_path / "STORE").symlink_to("store")  # tells of the disk that holds the folder, not of its own
    assert not folds_case(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []
