"""`imageferry settings`: all settings as a `.env` file."""

from collections.abc import Iterator

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from imageferry.settings import Settings
from imageferry.settings.fields import metadata, variable_names
from imageferry.settings.legacy import LegacySettings

HEADING = """\
# All settings with their defaults. imageferry reads the environment, then a .env file in the current folder.
# Keys, tokens, passwords and the URLs of databases and brokers can be in files: GOOGLE_API_KEY_FILE=/run/secrets/key"""


def env_file() -> str:
    """Return a `.env` file that names and describes every setting, each commented out."""
    return "\n".join([HEADING, "", *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    legacy = {setting.name for setting in fields(LegacySettings)}
    # msgspec lists inherited fields first; the legacy settings belong at the end.
    for setting in sorted(fields(Settings), key=lambda setting: setting.name in legacy):
        meta = metadata(setting)
        if meta.title:
            yield from ("", f"# --- {meta.title} ---")
        name, *other_names = variable_names(setting)
        comment = [meta.description] if meta.description else []
        comment += [f"(also {', '.join(other_names)})"] if other_names else []
        if comment:
            yield f"# {' '.join(comment)}"
        yield f"#{name}={_default(setting)}"


def _default(setting: FieldInfo) -> str:
    """Return the default as it is written in the file; empty if there is none, or if it depends on the machine."""
    default = setting.default
    if default in (NODEFAULT, None, ()):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
