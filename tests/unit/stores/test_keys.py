"""Object keys: any name becomes a safe, bounded key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.stores.keys import NAME_BYTES_MAX, object_key, safe_name


def test_a_key_is_made_of_folder_id_file_id_and_name() -> None:
    key = object_key(folder_id="F1", file_id="a-1", name="Beach day.jpg")
    assert key == "F1/a-1_Beach day.jpg"


@pytest.mark.parametrize(
    "file_id",
    ["1AbC_efGhIjKlMnOpQrStUvWxYz0123-_", "0B_bCdEfGhIjKlMnOpQrStUvWx-_", "1_bC" + "d" * 40, "file-1", "Z" * 85],
)
@pytest.mark.parametrize("folder_id", ["0AbC_efGhIjKlMn9PVA", "1AbC_efGhIjKlMnOpQrStUvWxYz0123-_", "a_b"])
def test_the_ids_of_drive_are_part_of_the_key_as_they_are(folder_id: str, file_id: str) -> None:
    assert object_key(folder_id=folder_id, file_id=file_id, name="IMG_1.jpg") == f"{folder_id}/{file_id}_IMG_1.jpg"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c.jpg", "a_b_c.jpg"),
        ("nul\0.jpg", "nul_.jpg"),
        ("line\nbreak\u2028.jpg", "line_break_.jpg"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("lone \ud800 surrogate.jpg", "lone _ surrogate.jpg"),
        ("staged#1", "staged_1"),
        ("100%25.jpg", "100_25.jpg"),
        ("Übung Ω 写真 😀.jpg", "Übung Ω 写真 😀.jpg"),
        ("...", "_"),
        ("", "_"),
        ("=cmd|' /C calc'!A0", "_cmd_' _C calc'!A0"),
    ],
)
def test_hostile_names_become_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_is_cut_and_keeps_its_extension() -> None:
    safe = safe_name("写" * 5000 + ".jpeg")
    assert safe.endswith("写.jpeg")
    assert len(safe.encode()) <= NAME_BYTES_MAX


def test_ids_that_differ_only_in_case_have_distinct_keys_on_a_case_insensitive_disk() -> None:
    upper = object_key(folder_id="F", file_id="aBc", name="x.jpg", folds_case=True)
    lower = object_key(folder_id="F", file_id="abc", name="x.jpg", folds_case=True)
    assert upper.casefold() != lower.casefold()


_IDS = [
    "",
    ".",
    "..",
    ".thumbnails",
    "/",
    "\\",
    "a",
    "a/",
    "a_",
    "a_b",
    "a-b",
    "A",
    "a:b",
    "a@b",
    "a ",
    "é",
    "e\u0301",
    "\ud800",
]
_IDS += ["1" + "a" * 32, "1" + "a" * 32 + "_" + "b" * 10, "x" * 85, "x" * 86, "x" * 10_000, "x" * 9_999 + "y"]


@pytest.mark.parametrize("folds_case", [False, True])
def test_no_two_ids_share_a_key_whatever_the_files_are_called(*, folds_case: bool) -> None:
    keys: dict[str, str] = {}
    for file_id in _IDS:
        names = {other[len(file_id) :].removeprefix("_") + "_x" for other in _IDS if other.startswith(file_id)}
        for name in {"x", "b_x", *names}:
            key = object_key(folder_id="F", file_id=file_id, name=name, folds_case=folds_case)
            assert keys.setdefault(key.casefold() if folds_case else key, file_id) == file_id


@pytest.mark.parametrize("folder_id", _IDS)
def test_every_folder_has_one_component_of_its_own(folder_id: str) -> None:
    keys = {object_key(folder_id=each, file_id="1", name="a.jpg") for each in _IDS}
    assert len(keys) == len(_IDS)
    folder, _, file = object_key(folder_id=folder_id, file_id="1", name="a.jpg").partition("/")
    assert file == "1_a.jpg"
    assert folder not in {"", ".", "..", ".thumbnails", ".imageferry-check"}
    assert len(folder) <= 85


@given(name=st.text(max_size=300), file_id=st.text(max_size=300), folds_case=st.booleans())
def test_a_key_has_two_safe_components_of_bounded_length(name: str, file_id: str, *, folds_case: bool) -> None:
    key = object_key(folder_id="folder", file_id=file_id, name=name, folds_case=folds_case)
    folder, _, file = key.partition("/")
    assert folder == "folder"
    assert file not in {"", ".", ".."}
    assert not set("/\\\0\n#%") & set(file)
    assert len(file.encode()) <= 255
    assert len(safe_name(name).encode()) <= NAME_BYTES_MAX


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", ["\u0301\u0316", "x", "/", "é", "\ud800", "."])
def test_a_megabyte_of_a_name_or_an_id_takes_no_longer(text: str) -> None:
    long = text * (1_000_000 // len(text))
    assert len(object_key(folder_id=long, file_id=long, name=long)) < 500
