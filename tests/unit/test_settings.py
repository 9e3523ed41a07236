"""Settings come from the environment, and say what is wrong with it."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from imageferry.cli.handlers.settings import settings_file
from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings, names
from tests.repository import ROOT

EXAMPLE = ROOT / ".env.example"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_example_is_what_the_command_prints() -> None:
    assert EXAMPLE.read_text() == settings_file(), "run: imageferry settings > .env.example"


def test_the_example_names_every_setting_once() -> None:
    named = re.findall(r"^#([A-Z_0-9]+)=", EXAMPLE.read_text(), re.MULTILINE)
    settings = fields(Settings)
    assert len(named) == len(set(named)) == len(settings)
    assert set(named) == {names(setting)[0] for setting in settings}


def test_the_examples_defaults_are_the_defaults(tmp_path: Path) -> None:
    plain = Settings.load()
    uncommented = re.sub(r"^#([A-Z_0-9]+=.+)$", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(uncommented)
    told = Settings.load()
    assert told == plain


def test_origins_are_told_apart_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.load().cors_origins == ("https://a.example", "https://b.example")


def test_the_home_of_the_user_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONCURRENCY", "7")
    settings = Settings.load()
    assert settings.home != tmp_path
    assert settings.home.name == "imageferry"
    assert settings.concurrency == 32


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGEFERRY_HOME", "/elsewhere")
    assert Settings.load(home=tmp_path, port=None).home == tmp_path


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_value_of_no_use_is_told_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FatalError, match=name) as refused:
        Settings.load()
    assert refused.value.reason is Reason.MISCONFIGURED


def test_all_values_of_no_use_are_told_at_once_and_no_secret_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("IMAGEFERRY_API_TOKEN", "hidden")
    monkeypatch.setenv("IMAGEFERRY_LEASE", "0.5")
    with pytest.raises(FatalError, match=r"PORT.*IMAGEFERRY_LEASE|IMAGEFERRY_LEASE.*PORT") as refused:
        Settings.load()
    assert "IMAGEFERRY_API_TOKEN" in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_the_environment_goes_before_a_file_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=81\nHOST='192.0.2.1'  # far\nIMAGEFERRY_LOG_LEVEL=\n")
    monkeypatch.setenv("PORT", "82")
    settings = Settings.load()
    assert (settings.port, settings.host, settings.log_level) == (82, "192.0.2.1", "warning")


def test_a_file_here_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(FatalError, match=r"\.env in this folder"):
        Settings.load()


@pytest.mark.parametrize(("variable", "value"), [("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")])
def test_a_setting_may_have_two_variables(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert Settings.load().aws_region == value
    monkeypatch.setenv("AWS_REGION", "the first")
    assert Settings.load().aws_region == "the first"


def test_no_secret_shows_in_the_settings_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-hidden")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hidden@host/db")
    assert "hidden" not in repr(Settings.load())
