"""Settings come from the environment, and say what is wrong with it."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from imageferry.cli.settings_file import settings_file
from imageferry.errors import FatalError, Reason
from imageferry.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_example_is_what_the_command_prints() -> None:
    assert EXAMPLE.read_text() == settings_file(), "run: imageferry settings > .env.example"


def test_the_example_names_every_setting_once() -> None:
    named = re.findall(r"^#([A-Z_0-9]+)=", EXAMPLE.read_text(), re.MULTILINE)
    names = [field.validation_alias for field in Settings.model_fields.values()]
    choices = [alias.choices for alias in names if isinstance(alias, AliasChoices)]
    assert len(named) == len(set(named)) == len(choices) == len(names)
    assert all(set(named) & set(aliases) for aliases in choices)


def test_the_examples_defaults_are_the_defaults(tmp_path: Path) -> None:
    plain = Settings.load()
    uncommented = re.sub(r"^#([A-Z_0-9]+=.+)$", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(uncommented)
    told = Settings.load()
    assert told.model_dump() == plain.model_dump()


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


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("PORT", "70000"), ("IMAGEFERRY_CONCURRENCY", "0")])
def test_a_value_of_no_use_is_told_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FatalError, match=name) as refused:
        Settings.load()
    assert refused.value.reason is Reason.MISCONFIGURED


def test_no_secret_shows_in_the_settings_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-hidden")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hidden@host/db")
    assert "hidden" not in repr(Settings.load())
