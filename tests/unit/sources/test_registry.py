"""Which source a pasted URL belongs to, and how it is opened."""

import pytest

from imageferry.errors import Reason, UsageError
from imageferry.model import FolderRef
from imageferry.sources.google_drive.api_source import GoogleDriveSource
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.public_source import PublicFolderSource
from imageferry.sources.registry import open_sources, parse_folder_url


def test_a_drive_link_belongs_to_google_drive() -> None:
    folder_id = "1AbCdEfGhIjKlMnOpQrStUvWxYz012345"
    pasted = f"https://drive.google.com/drive/folders/{folder_id}"
    assert parse_folder_url(pasted) == FolderRef(source="google_drive", folder_id=folder_id)


@pytest.mark.parametrize("text", ["", "hello", "https://example.com/folders/1AbCdEfGhIjKlMnOpQrS", "x" * 3000])
def test_a_text_that_no_source_recognises_is_rejected_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_folder_url(text)
    assert raised.value.reason is Reason.NOT_A_FOLDER_URL
    assert "link" in raised.value.message


def test_credentials_decide_how_drive_is_accessed() -> None:
    keyless = open_sources(google_drive_config=GoogleDriveConfig())["google_drive"]
    keyed = open_sources(google_drive_config=GoogleDriveConfig(api_key="key"))["google_drive"]
    assert isinstance(keyless, PublicFolderSource)
    assert isinstance(keyed, GoogleDriveSource)


def test_a_key_is_hidden_in_the_repr_of_the_config() -> None:
    assert "secret" not in repr(GoogleDriveConfig(api_key="secret"))
