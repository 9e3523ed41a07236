"""Every secret can come from a file: NAME_FILE instead of NAME."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import fields

from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings
from imageferry.settings.fields import is_secret, secret_file_names
from tests.unit.settings.conftest import Give

SECRETS = {setting.encode_name: setting.name for setting in fields(Settings) if is_secret(setting)}
VALUES = {
    "DATABASE_URL": "postgresql://user:word@host/name",
    "IMAGEFERRY_QUOTA_URL": "redis://:word@host/1",
    "CELERY_BROKER_URL": "amqp://user:word@host//",
    "IMAGEFERRY_WEBHOOK_SECRET": "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1yZWFk",
}


def test_the_secrets_are_those_that_people_keep_in_files() -> None:
    assert SECRETS.keys() >= {
        "GOOGLE_API_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_STORAGE_CONNECTION_STRING",
        "DATABASE_URL",
        "DB_PASSWORD",
        "CELERY_BROKER_URL",
        "REDIS_URL",
        "IMAGEFERRY_API_TOKEN",
        "IMAGEFERRY_WEBHOOK_SECRET",
    }


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_come_from_a_file(give: Give, tmp_path: Path, name: str) -> None:
    value = VALUES.get(name, "a-key-from-a-file")
    (tmp_path / "secret").write_text(f"{value}\r\n")
    give(f"{name}_FILE", str(tmp_path / "secret"))
    assert getattr(Settings.load(), SECRETS[name]).reveal() == value


def test_what_is_no_secret_has_no_file() -> None:
    assert [secret_file_names(setting) for setting in fields(Settings) if setting.name in ("port", "home")] == [(), ()]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (Path.absolute, "does not exist"),
        (Path.mkdir, "it must name a file"),
        (os.mkfifo, "it must name a file"),
        (lambda path: path.write_bytes(b" \n"), "is empty"),
        (lambda path: path.write_bytes(b"a" * 65537), "has more than 64 KiB, too much for a secret"),
        (lambda path: path.write_bytes(b"\x89PNG\xff"), "is not a text file in UTF-8"),
        (lambda path: path.write_bytes(b"key\0"), "it contains an invisible character (U+0000); remove it"),
        (lambda path: path.write_bytes(b"key1\nkey2"), "it contains a line break; remove it"),
        (lambda path: path.symlink_to("long" * 100), "can't be read (File name too long)"),
    ],
)
def test_a_file_without_a_secret_is_refused_by_the_variable(
    give: Give, tmp_path: Path, make: Callable[[Path], None], problem: str
) -> None:
    make(tmp_path / "secret")
    give("GOOGLE_API_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(FatalError) as refused:
        Settings.load()
    assert refused.value.reason is Reason.MISCONFIGURED
    assert refused.value.message.startswith("Invalid setting: GOOGLE_API_KEY_FILE: ")
    assert problem in refused.value.message
    assert str(tmp_path) not in refused.value.message


def test_a_secret_and_its_file_are_not_both_set(give: Give, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    give("GOOGLE_API_KEY", "key")
    give("GOOGLE_API_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(FatalError, match="GOOGLE_API_KEY: GOOGLE_API_KEY_FILE is set, too; remove one of them"):
        Settings.load()
