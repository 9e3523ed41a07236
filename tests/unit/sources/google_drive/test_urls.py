"""The URLs that people paste for folders."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.errors import Reason, UsageError
from imageferry.model import FolderRef
from imageferry.sources.google_drive.urls import folder_url, parse_url

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

ids = st.text(string.ascii_letters + string.digits + "-_", min_size=12, max_size=60).map("1aB{}".format)
wrappers = st.sampled_from(["{}", "  {}\n", '"{}"', "'{}'", "<{}>", "\u201c{}\u201d", "({})", "\ufeff{}\u200b"])
schemes = st.sampled_from(["", "https://", "http://"])


@given(path=st.sampled_from(PATHS), folder_id=ids, wrapper=wrappers, scheme=schemes)
def test_every_form_of_link_is_parsed(path: str, folder_id: str, wrapper: str, scheme: str) -> None:
    pasted = wrapper.format(scheme + path.format(id=folder_id))
    assert parse_url(pasted) == FolderRef(source="google_drive", folder_id=folder_id)


@pytest.mark.parametrize(
    "placeholder",
    [
        "YOUR_GOOGLE_DRIVE_FOLDER_URL",
        "your-google-drive-folder-id",
        "<your_folder_id_12345>",
        "PASTE_FOLDER_ID_HERE_123",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "GoogleDriveFolderLink",
        "https://drive.google.com/drive/folders/YOUR_FOLDER_ID_HERE",
    ],
)
def test_a_placeholder_is_no_folder(placeholder: str) -> None:
    with pytest.raises(UsageError, match="copy its link"):
        parse_url(placeholder)


@pytest.mark.parametrize("text", ["example", "<folder-url>", "URL", "folder", "my photos", "..."])
def test_a_bare_word_is_no_link(text: str) -> None:
    assert parse_url(text) is None


@given(folder_id=ids, wrapper=wrappers)
def test_a_bare_id_is_parsed(folder_id: str, wrapper: str) -> None:
    assert parse_url(wrapper.format(folder_id)) == FolderRef(source="google_drive", folder_id=folder_id)


@pytest.mark.parametrize(
    "url",
    [
        f"https://drive.google.com/drive/folders/{ID}?resourcekey={KEY}",
        f"https://drive.google.com/drive/folders/{ID}?resourceKey={KEY}&usp=sharing",
        f"https://drive.google.com/open?id={ID}&resourcekey={KEY}",
        f"https://drive.google.com/drive/#folders/{ID}?resourcekey={KEY}",
    ],
)
def test_the_resource_key_is_parsed(url: str) -> None:
    assert parse_url(url) == FolderRef(source="google_drive", folder_id=ID, resource_key=KEY)


def test_a_resource_key_that_could_break_a_header_is_ignored() -> None:
    url = f"https://drive.google.com/drive/folders/{ID}?resourcekey=a%0d%0aX-Evil:%201"
    assert parse_url(url) == FolderRef(source="google_drive", folder_id=ID)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"https://drive.google.com/file/d/{ID}/view?usp=sharing", "link of a file"),
        (f"https://drive.google.com/uc?export=download&id={ID}", "link of a file"),
        (f"https://docs.google.com/document/d/{ID}/edit", "link of a file"),
        ("https://drive.google.com/drive/folders/", "folder's ID is missing"),
        ("https://drive.google.com/drive/folders/short", "folder's ID is missing"),
        ("https://drive.google.com/open", "folder's ID is missing"),
        ("https://drive.google.com/drive/my-drive", "doesn't lead to a folder"),
        ("https://drive.google.com/", "doesn't lead to a folder"),
    ],
)
def test_a_drive_link_that_is_not_a_folders_is_rejected_with_a_reason(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        parse_url(url)
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
def test_lookalike_hosts_are_not_google_drive(url: str) -> None:
    assert parse_url(url) is None


@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str) -> None:
    for pasted in (text, f"https://drive.google.com/{text}", f"https://drive.google.com/drive/folders/{text}"):
        try:
            folder_ref = parse_url(pasted)
        except UsageError:
            continue
        assert folder_ref is None or parse_url(folder_ref.folder_id) is not None


@given(folder_id=ids)
def test_a_folders_own_url_parses_back_to_it(folder_id: str) -> None:
    for resource_key in (None, KEY):
        folder_ref = FolderRef(source="google_drive", folder_id=folder_id, resource_key=resource_key)
        assert parse_url(folder_url(folder_id, resource_key=resource_key)) == folder_ref
