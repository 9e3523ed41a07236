"""Settings are read from the environment, and errors name the variable."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from imageferry.cli.handlers.settings import env_file
from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings
from imageferry.settings.fields import variable_names
from tests.repository import ROOT

EXAMPLE = ROOT / ".env.example"


def test_the_example_file_is_the_output_of_the_command() -> None:
    assert EXAMPLE.read_text() == env_file(), "run: imageferry settings > .env.example"


def test_the_example_file_names_every_setting_once() -> None:
    named = re.findall(r"^#([A-Z_0-9]+)=", EXAMPLE.read_text(), re.MULTILINE)
    settings = fields(Settings)
    assert len(named) == len(set(named)) == len(settings)
    assert set(named) == {variable_names(setting)[0] for setting in settings}


def test_the_example_file_contains_the_defaults(tmp_path: Path) -> None:
    defaults = Settings.load()
    uncommented = re.sub(r"^#([A-Z_0-9]+=.+)$", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(uncommented)
    assert Settings.load() == defaults


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.load().cors_origins == ("https://a.example", "https://b.example")


def test_unprefixed_variables_of_the_user_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONCURRENCY", "7")
    settings = Settings.load()
    assert settings.home != tmp_path
    assert settings.home.name == "imageferry"
    assert settings.concurrency == 32


def test_overrides_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGEFERRY_HOME", "/elsewhere")
    assert Settings.load(home=tmp_path, port=None).home == tmp_path


def test_an_empty_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "")
    assert Settings.load().google_api_key is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("IMAGEFERRY_CONCURRENCY", "0"),
        ("GOOGLE_DRIVE_ENDPOINT", "127.0.0.1:80"),
        ("AWS_ENDPOINT_URL_S3", "127.0.0.1:9000"),
        ("STORAGE_EMULATOR_HOST", "127.0.0.1:9023"),
        ("IMAGEFERRY_SERVER", "127.0.0.1:8000"),
        ("CELERY_BROKER_URL", "rabbitmq://host"),
        ("IMAGEFERRY_QUOTA_URL", "http://host"),
    ],
)
def test_an_invalid_value_is_reported_with_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FatalError, match=name) as raised:
        Settings.load()
    assert raised.value.reason is Reason.MISCONFIGURED


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("IMAGEFERRY_CONCURRENCY", "abc", "a whole number from 1 to 1024"),
        ("IMAGEFERRY_TRANSFER_MEMORY_BYTES", "7", "a whole number of at least 1,048,576"),
        ("IMAGEFERRY_BATCHES_IN_FLIGHT", "1.5", "a whole number from 1 to 1024"),
        ("IMAGEFERRY_LEASE_SECONDS", "601", "a number from 1 to 600"),
        ("IMAGEFERRY_WAIT_SECONDS", "-1", "a number of at least 0"),
        ("IMAGEFERRY_LIST_CALLS_PER_SECOND", "0", "a number greater than 0"),
        ("IMAGEFERRY_LOG_LEVEL", "loud", "debug, error, info or warning"),
        ("STORAGE_PROVIDER", "dropbox", "aws, azure or gcp"),
        ("IMAGEFERRY_INSECURE", "maybe", "true or false"),
        ("IMAGEFERRY_QUEUE_PREFIX", "a b", "1 to 64 letters, digits, `.`, `-` or `_`"),
        ("IMAGEFERRY_ROOT_PATH", "photos/", "a path such as /photos, without / at its end"),
    ],
)
def test_an_invalid_value_is_reported_with_the_values_that_are_valid(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FatalError) as raised:
        Settings.load()
    assert str(raised.value) == f"Invalid setting: {name}: expected {expected}, got {value!r}."


def test_all_invalid_values_are_reported_at_once_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("IMAGEFERRY_API_TOKEN", "hidden")
    monkeypatch.setenv("IMAGEFERRY_LEASE_SECONDS", "0.5")
    with pytest.raises(FatalError, match=r"PORT.*IMAGEFERRY_LEASE_SECONDS|IMAGEFERRY_LEASE_SECONDS.*PORT") as raised:
        Settings.load()
    assert "IMAGEFERRY_API_TOKEN" in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=81\nHOST='192.0.2.1'  # comment\nIMAGEFERRY_LOG_LEVEL=\n")
    monkeypatch.setenv("PORT", "82")
    settings = Settings.load()
    assert (settings.port, settings.host, settings.log_level) == (82, "192.0.2.1", "warning")


def test_an_unreadable_env_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(FatalError, match=r"\.env in this folder"):
        Settings.load()


@pytest.mark.parametrize(("variable", "value"), [("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")])
def test_a_setting_can_have_two_variables(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert Settings.load().aws_region == value
    monkeypatch.setenv("AWS_REGION", "first")
    assert Settings.load().aws_region == "first"


def test_the_repr_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-hidden")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hidden@host/db")
    assert "hidden" not in repr(Settings.load())


def test_an_override_of_an_unknown_setting_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="concurency"):
        Settings.load(concurency=8)
