"""The URLs that people paste."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.errors import Reason, UsageError
from imageferry.model import FolderRef
from imageferry.sources.google_drive.urls import folder_url, read_url

ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz-01_45"
KEY = "0-AbC_dEf"

PATHS = [
    "drive.google.com/drive/folders/{id}",
    "drive.google.com/drive/folders/{id}/",
    "drive.google.com/drive/folders/{id}?usp=sharing",
    "drive.google.com/drive/folders/{id}#grid",
    "drive.google.com/drive/u/0/folders/{id}",
    "drive.google.com/drive/mobile/folders/{id}",
    "drive.google.com/drive/mobile/folders/{id}?usp=drive_link",
    "drive.google.com/a/example.com/folders/{id}",
    "drive.google.com/a/example.com/drive/folders/{id}",
    "drive.google.com/drive/#folders/{id}",
    "drive.google.com/drive/u/1/#folders/{id}",
    "drive.google.com/open?id={id}",
    "drive.google.com/open?id={id}&authuser=0",
    "drive.google.com/folderview?id={id}",
    "drive.google.com/folderview?usp=sharing&id={id}#list",
    "drive.google.com/embeddedfolderview?id={id}#grid",
    "docs.google.com/open?id={id}",
    "docs.google.com/folderview?id={id}",
    "docs.google.com/drive/folders/{id}",
    "DRIVE.google.com/drive/folders/{id}",
    "drive.google.com:443/drive/folders/{id}",
]

ids = st.text(string.ascii_letters + string.digits + "-_", min_size=15, max_size=60)
wrappers = st.sampled_from(["{}", "  {}\n", '"{}"', "'{}'", "<{}>", "\u201c{}\u201d", "({})", "\ufeff{}\u200b"])
schemes = st.sampled_from(["", "https://", "http://"])


@given(path=st.sampled_from(PATHS), folder_id=ids, wrapper=wrappers, scheme=schemes)
def test_every_shape_of_link_names_its_folder(path: str, folder_id: str, wrapper: str, scheme: str) -> None:
    pasted = wrapper.format(scheme + path.format(id=folder_id))
    assert read_url(pasted) == FolderRef(source="google_drive", folder_id=folder_id)


@given(folder_id=ids, wrapper=wrappers)
def test_a_bare_id_names_its_folder(folder_id: str, wrapper: str) -> None:
    assert read_url(wrapper.format(folder_id)) == FolderRef(source="google_drive", folder_id=folder_id)


@pytest.mark.parametrize(
    "url",
    [
        f"https://drive.google.com/drive/folders/{ID}?resourcekey={KEY}",
        f"https://drive.google.com/drive/folders/{ID}?resourceKey={KEY}&usp=sharing",
        f"https://drive.google.com/open?id={ID}&resourcekey={KEY}",
        f"https://drive.google.com/drive/#folders/{ID}?resourcekey={KEY}",
    ],
)
def test_the_resource_key_is_carried(url: str) -> None:
    assert read_url(url) == FolderRef(source="google_drive", folder_id=ID, resource_key=KEY)


def test_a_resource_key_that_could_break_a_header_is_left_out() -> None:
    url = f"https://drive.google.com/drive/folders/{ID}?resourcekey=a%0d%0aX-Evil:%201"
    assert read_url(url) == FolderRef(source="google_drive", folder_id=ID)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"https://drive.google.com/file/d/{ID}/view?usp=sharing", "single file"),
        (f"https://drive.google.com/uc?export=download&id={ID}", "single file"),
        (f"https://docs.google.com/document/d/{ID}/edit", "single file"),
        ("https://drive.google.com/drive/folders/", "lost the folder's ID"),
        ("https://drive.google.com/drive/folders/short", "lost the folder's ID"),
        ("https://drive.google.com/open", "lost the folder's ID"),
        ("https://drive.google.com/drive/my-drive", "names no folder"),
        ("https://drive.google.com/", "names no folder"),
    ],
)
def test_a_drive_link_of_something_else_is_told_apart(url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        read_url(url)
    assert raised.value.reason is Reason.NOT_A_FOLDER_URL


@pytest.mark.parametrize(
    "url",
    [
        f"https://drive.google.com.example.com/drive/folders/{ID}",
        f"https://drive.google.com@example.com/drive/folders/{ID}",
        f"https://example.com/drive.google.com/drive/folders/{ID}",
        f"ftp://drive.google.com/drive/folders/{ID}",
        f"javascript://drive.google.com/drive/folders/{ID}",
        f"https://[drive.google.com/drive/folders/{ID}",
        f"file:///drive/folders/{ID}",
    ],
)
def test_other_hosts_are_not_drive_however_much_they_look_like_it(url: str) -> None:
    assert read_url(url) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for pasted in (text, f"https://drive.google.com/{text}", f"https://drive.google.com/drive/folders/{text}"):
        try:
            locator = read_url(pasted)
        except UsageError:
            continue
        assert locator is None or read_url(locator.folder_id) is not None


@given(folder_id=ids)
def test_the_folders_own_page_leads_back_to_it(folder_id: str) -> None:
    for resource_key in (None, KEY):
        own = FolderRef(source="google_drive", folder_id=folder_id, resource_key=resource_key)
        assert read_url(folder_url(folder_id, resource_key=resource_key)) == own
