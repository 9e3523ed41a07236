"""The variables of the process: its environment, and the `.env` file of the current folder."""

import os
import re
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from imageferry.errors import FatalError, Reason
from imageferry.settings.characters import stripped
from imageferry.settings.fields import secret_file_names, variable_names

# Kubernetes and Docker's links describe each service by variables: REDIS_PORT=tcp://10.0.0.11:6379.
_SERVICE_PORT = re.compile(r"(tcp|udp|sctp)://")


def read_variables() -> dict[str, str]:
    """Merge the `.env` file of the current folder and the environment, which wins.

    The values are stripped. Variables that are empty, or that an orchestrator made of a service's name, are left out.
    """
    both = [*read_env_file().items(), *os.environ.items()]
    texts = ((name, stripped(value or "")) for name, value in both)
    return {name: text for name, text in texts if text and not (name.endswith("_PORT") and _SERVICE_PORT.match(text))}


def tidy_environment(kind: type[Struct]) -> None:
    """Strip the variables of the settings in the environment, and remove the empty ones, for libraries that read it."""
    for setting in fields(kind):
        for name in (*variable_names(setting), *secret_file_names(setting)):
            if text := stripped(os.environ.get(name, "")):
                os.environ[name] = text
            else:
                os.environ.pop(name, None)


def read_env_file() -> dict[str, str | None]:
    """Return the variables of the `.env` file of the current folder; none if there is no such file."""
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most installations have no such file

    try:
        return dotenv_values(".env", encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        message = f"Can't read the file .env in this folder: {exc}. Save it as text in UTF-8."
        raise FatalError(Reason.MISCONFIGURED, message) from exc
