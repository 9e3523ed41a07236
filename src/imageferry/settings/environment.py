"""The variables of the process: its environment, and the `.env` file of the current folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from imageferry.errors import FatalError, Reason
from imageferry.settings.fields import variable_names


def read_variables() -> Mapping[str, str | None]:
    """Merge the `.env` file of the current folder and the environment, which wins unless its value is empty."""
    variables: dict[str, str | None] = {}
    if Path(".env").is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - most installations have no such file

        try:
            variables |= dotenv_values(".env")
        except (OSError, UnicodeDecodeError) as exc:
            raise FatalError(Reason.MISCONFIGURED, f"Can't read the file .env in this folder: {exc}.") from exc
    return variables | {name: value for name, value in os.environ.items() if value}


def drop_empty_variables(kind: type[Struct]) -> None:
    """Remove the empty variables of the settings from the environment: libraries take an empty string for a value."""
    for name in (name for setting in fields(kind) for name in variable_names(setting)):
        if os.environ.get(name) == "":
            del os.environ[name]
