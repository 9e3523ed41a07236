"""Blanks and quotes around a value are dropped; other characters that cannot belong to it are refused by name."""

import os
from pathlib import Path

import pytest

from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings
from tests.unit.settings.conftest import Give, Load

ANY = ("IMAGEFERRY_HOME", "STORE_URL", "HOST", "DB_NAME")
PASSWORDS = ("DB_PASSWORD",)
URLS = ("DATABASE_URL", "CELERY_BROKER_URL", "IMAGEFERRY_QUOTA_URL")
KEYS = (
    "GOOGLE_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AZURE_STORAGE_CONNECTION_STRING",
    "IMAGEFERRY_API_TOKEN",
    "IMAGEFERRY_SERVER",
    "S3_BUCKET",
)


@pytest.mark.parametrize("around", [" {} ", "\n{}\r\n", "\ufeff{}", "\u00a0{}\u200b", '"{}"', "'{}'", ' " {}" '])
def test_what_surrounds_a_value_is_dropped(give: Give, around: str) -> None:
    give("AWS_REGION", around.format("eu-central-1"))
    give("PORT", around.format("81"))
    settings = Settings.load()
    assert (settings.aws_region, settings.port) == ("eu-central-1", 81)


@pytest.mark.parametrize("nothing", [" ", "\n", '""', " '' ", "\ufeff"])
def test_a_value_of_nothing_else_is_not_set(give: Give, nothing: str) -> None:
    give("GOOGLE_API_KEY", nothing)
    assert Settings.load().google_api_key is None


@pytest.mark.parametrize(
    ("character", "description", "names"),
    [
        ("\n", "a line break", (*ANY, *PASSWORDS, *URLS, *KEYS)),
        ("\r", "a line break", KEYS),
        ("\t", "a tab", KEYS),
        ("\u200b", "an invisible character (U+200B)", (*ANY, *PASSWORDS, *URLS, *KEYS)),
        ("“", "a curly quote (“)", (*PASSWORDS, *URLS, *KEYS)),
        ("’", "a curly quote (’)", (*PASSWORDS, *URLS, *KEYS)),  # noqa: RUF001 - it is what the test is about
        (" ", "a blank", (*URLS, *KEYS)),
        ("\u00a0", "a blank", (*URLS, *KEYS)),
        ("'", "a quote (')", KEYS),
        ("ü", "the character ü", KEYS),
    ],
)
def test_a_character_that_cannot_belong_to_a_value_is_refused_by_name(
    give: Give, character: str, description: str, names: tuple[str, ...]
) -> None:
    for name in names:
        give(name, f"hid{character}den")
    with pytest.raises(FatalError) as refused:
        Settings.load()
    message = refused.value.message
    assert refused.value.reason is Reason.MISCONFIGURED
    assert [name for name in names if f"{name}: it contains {description}; remove it" not in message] == []
    assert "hid" not in message


def test_a_nul_character_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOGLE_API_KEY=a\0b")  # the environment cannot hold one
    with pytest.raises(FatalError, match=r"GOOGLE_API_KEY: it contains an invisible character \(U\+0000\)"):
        Settings.load()


@pytest.mark.parametrize("name", [*ANY, *PASSWORDS, *URLS, *KEYS])
def test_a_byte_that_is_not_utf_8_is_refused_by_name(load: Load, name: str) -> None:
    with pytest.raises(FatalError, match=f"{name}: it contains a byte that is not UTF-8"):
        load(**{name: os.fsdecode(b"caf\xe9")})


def test_a_pasted_store_url_with_curly_quotes_is_no_folder(give: Give) -> None:
    give("STORE_URL", "“s3://bucket”")
    with pytest.raises(FatalError, match=r"STORE_URL: it contains a curly quote \(“\)"):
        Settings.load()


def test_folders_and_passwords_have_the_characters_that_people_use(give: Give) -> None:
    give("IMAGEFERRY_HOME", "/data/Anna’s Fotos #1? 100% é")  # noqa: RUF001 - as in a real name
    give("DB_PASSWORD", "pass wörd'\"#%?@/")
    settings = Settings.load()
    assert str(settings.home).startswith("/data/Anna’s Fotos #1? 100% é")  # noqa: RUF001 - see above
    assert settings.db_password is not None
    assert settings.db_password.reveal() == "pass wörd'\"#%?@/"
