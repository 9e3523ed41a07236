"""Object keys: any name becomes a safe, bounded key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.stores.keys import NAME_BYTES_MAX, object_key, safe_name


def test_a_key_is_made_of_folder_id_file_id_and_name() -> None:
    assert object_key(folder_id="F1", file_id="a_b-1", name="Beach day.jpg") == "F1/a_b-1_Beach day.jpg"


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


@given(name=st.text(max_size=300), file_id=st.text(min_size=1, max_size=40))
def test_a_key_has_two_safe_components_of_bounded_length(name: str, file_id: str) -> None:
    key = object_key(folder_id="folder", file_id=file_id, name=name)
    folder, _, file = key.partition("/")
    assert folder == "folder"
    assert file not in {"", ".", ".."}
    assert not set("/\\\0\n#%") & set(file)
    assert len(safe_name(name).encode()) <= NAME_BYTES_MAX
