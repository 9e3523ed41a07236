"""The list of commands, and what is imported for help and for an import."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from imageferry.cli.app import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_has_help(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert command.name == name
    result = CliRunner().invoke(app, [name, "--help"], prog_name="imageferry")
    assert result.exit_code == 0
    assert result.output.split()[:3] == ["Usage:", "imageferry", name]


def test_each_summary_fits_on_one_line_of_the_help() -> None:
    result = CliRunner().invoke(app, ["--help"], terminal_width=80)
    lines = [line.strip() for line in result.output.splitlines()]
    assert all(f"{name:8}  {summary}" in lines for name, (_, summary) in COMMANDS.items())


def test_a_misspelled_command_gets_a_suggestion() -> None:
    result = CliRunner().invoke(app, ["imprt"])
    assert result.exit_code == 2
    assert "import" in result.output.partition("Did you mean")[2]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_no_command(arguments: list[str]) -> None:
    program = f"from imageferry.cli.app import app; app({arguments!r}, standalone_mode=False)"
    assert _imported_by(program, "sqlalchemy", "fastapi", "pydantic", "celery", "asyncio") == ""


def test_an_import_loads_neither_the_gateway_nor_celery() -> None:
    program = "import imageferry.cli.commands.import_, imageferry.cli.handlers.import_"
    assert _imported_by(program, "fastapi", "pydantic", "celery", "rich") == ""


def test_commands_for_jobs_of_a_remote_gateway_load_no_sql() -> None:
    program = "import imageferry.cli.commands.jobs, imageferry.cli.clients.remote_jobs"
    assert _imported_by(program, "sqlalchemy", "fastapi", "pydantic", "celery", "rich") == ""


ARGUMENTS = {"import": "https://drive.google.com/drive/folders/1AbCdEf", "manifest": "1"} | dict.fromkeys(
    ("pause", "resume", "retry", "cancel", "remove"), "1"
)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "settings"])
def test_a_wrong_setting_ends_every_command_with_its_name_and_exit_code_7(name: str, tmp_path: Path) -> None:
    environment = {"AWS_SECRET_ACCESS_KEY": "one\ntwo", "IMAGEFERRY_HOME": str(tmp_path)}
    result = CliRunner().invoke(app, [name, *filter(None, [ARGUMENTS.get(name)])], env=environment)
    assert (result.exit_code, result.stdout) == (7, "")
    assert result.stderr == "Invalid setting: AWS_SECRET_ACCESS_KEY: it contains a line break; remove it.\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without an entry in /etc/passwd")
def test_a_user_without_a_home_folder_is_told_to_set_one() -> None:
    program = (
        "import os; from imageferry.cli.app import app; import imageferry.cli.commands.jobs, imageferry.cli.runner"
    )
    command = [sys.executable, "-c", f"{program}; os.setuid(54321); app(['jobs'])"]
    process = subprocess.run(command, check=False, capture_output=True, text=True, env={}, cwd="/")
    assert process.returncode == 7
    message = "Invalid setting: IMAGEFERRY_HOME: this user has no home folder; set it to a folder for the data.\n"
    assert process.stderr == message


def _imported_by(program: str, *modules: str) -> str:
    """Return those of these modules that a program imports, or its error output."""
    source = f"import sys; {program}; sys.exit(' '.join(sys.modules.keys() & {set(modules)!r}))"
    process = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True)
    return process.stderr.strip()
