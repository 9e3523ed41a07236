"""The command line finds its commands, and tells of them without importing them."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from imageferry.cli.app import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_list_says_and_has_a_help(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert command.name == name
    told = CliRunner().invoke(app, [name, "--help"], prog_name="imageferry")
    assert told.exit_code == 0
    assert told.output.split()[:3] == ["Usage:", "imageferry", name]


def test_what_a_command_does_stands_on_one_line() -> None:
    told = CliRunner().invoke(app, ["--help"], terminal_width=80)
    lines = [line.strip() for line in told.output.splitlines()]
    assert all(f"{name:8}  {what}" in lines for name, (_, what) in COMMANDS.items())


def test_a_command_that_there_is_not_is_told_with_what_may_have_been_meant() -> None:
    told = CliRunner().invoke(app, ["imprt"])
    assert told.exit_code == 2
    assert "import" in told.output.partition("Did you mean")[2]


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_no_command(words: list[str]) -> None:
    program = f"from imageferry.cli.app import app; app({words!r}, standalone_mode=False)"
    assert _imported_by(program, "sqlalchemy", "fastapi", "pydantic", "celery", "asyncio") == ""


def test_an_import_imports_neither_the_gateway_nor_celery() -> None:
    program = "import imageferry.cli.commands.import_, imageferry.cli.handlers.import_output"
    assert _imported_by(program, "fastapi", "pydantic", "celery", "rich") == ""


def _imported_by(program: str, *modules: str) -> str:
    """Which of some modules a program imports, its errors too."""
    asked = f"import sys; {program}; sys.exit(' '.join(sys.modules.keys() & {set(modules)!r}))"
    told = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=60)
    return told.stderr.strip()
