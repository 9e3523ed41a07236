"""Settings are loaded in an empty folder, from variables that a test gives."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imageferry.settings import Settings

Give = Callable[[str, str], None]
Load = Callable[..., Settings]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMAGEFERRY_TEST_SEED", raising=False)  # of these tests, and no setting


@pytest.fixture(params=["environment", ".env"])
def give(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Give:
    """Set a variable in the environment or in the `.env` file: both mean the same."""

    def in_the_file(name: str, value: str) -> None:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        with (tmp_path / ".env").open("a", newline="") as file:
            file.write(f"{name}='{escaped}'\n")

    return monkeypatch.setenv if request.param == "environment" else in_the_file


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the settings with these variables in the environment."""

    def load_with(**environment: str) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.load()

    return load_with
