"""`imageferry settings`: every setting with its meaning and its default, as a `.env` file."""

from collections.abc import Iterator

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from imageferry.aliases import Aliases
from imageferry.settings import Settings

HEADING = "# Every setting, with its default. imageferry reads the environment and a .env file in the present folder."


def settings_file() -> str:
    """The file: each setting commented out, so that as it stands it changes nothing."""
    return "\n".join([HEADING, "", *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    own = {name: field for name, field in Settings.model_fields.items() if name not in Aliases.model_fields}
    for field in (own | Aliases.model_fields).values():
        if field.title:
            yield from ("", f"# --- {field.title} ---")
        name, *others = _names(field)
        meaning = [field.description] if field.description else []
        also = [f"(also {other})" for other in others]
        if meaning or also:
            yield f"# {' '.join([*meaning, *also])}"
        yield f"#{name}={_default(field)}"


def _names(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else []


def _default(field: FieldInfo) -> str:
    """As it would be written; empty where there is none, or where it hangs on the machine."""
    default = field.default
    if field.default_factory is not None or default is None or default == ():
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
