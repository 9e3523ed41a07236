"""`imageferry settings`: every setting with its meaning and its default, as a `.env` file."""

from collections.abc import Iterator

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from imageferry.legacy_settings import Aliases
from imageferry.settings import Settings, meaning, names

HEADING = "# Every setting, with its default. imageferry reads the environment and a .env file in the present folder."


def settings_file() -> str:
    """The file: each setting commented out, so that as it stands it changes nothing."""
    return "\n".join([HEADING, "", *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    aliases = {setting.name for setting in fields(Aliases)}
    # Ours first.
    for setting in sorted(fields(Settings), key=lambda setting: setting.name in aliases):
        said = meaning(setting)
        if said.title:
            yield from ("", f"# --- {said.title} ---")
        name, *others = names(setting)
        words = [said.description] if said.description else []
        also = [f"(also {other})" for other in others]
        if words or also:
            yield f"# {' '.join([*words, *also])}"
        yield f"#{name}={_default(setting)}"


def _default(setting: FieldInfo) -> str:
    """As it would be written; empty where there is none, or where it hangs on the machine."""
    default = setting.default
    if default in (NODEFAULT, None, ()):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
