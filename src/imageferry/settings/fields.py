"""What a field of the settings says of itself: its variables, its description, the values that it accepts."""

from typing import TYPE_CHECKING, get_args

from msgspec import Meta
from msgspec.structs import FieldInfo

from imageferry.secret import Secret
from imageferry.settings.other_names import OTHER_NAMES

if TYPE_CHECKING:
    from msgspec import inspect


def variable_names(setting: FieldInfo) -> tuple[str, ...]:
    """Return the variables of a setting, in order of precedence."""
    also = (metadata(setting).extra or {}).get("also", ())
    return (setting.encode_name, *also, *OTHER_NAMES.get(setting.encode_name, ()))


def metadata(setting: FieldInfo) -> Meta:
    """Return the title, description and constraints of a setting; an empty Meta when it has none."""
    annotations = (each for each in getattr(setting.type, "__metadata__", ()) if isinstance(each, Meta))
    return next(annotations, Meta())


def secret_file_names(setting: FieldInfo) -> tuple[str, ...]:
    """Return the variables that name a file with the setting's value, in order of precedence: only of a secret."""
    return tuple(f"{name}_FILE" for name in variable_names(setting)) if is_secret(setting) else ()


def is_secret(setting: FieldInfo) -> bool:
    """Return True if the setting's value is never shown, and may also come from a file."""
    kind = getattr(setting.type, "__origin__", setting.type)  # without Annotated
    return any(isinstance(each, type) and issubclass(each, Secret) for each in (kind, *get_args(kind)))


def expected_values(setting: FieldInfo) -> str:
    """Describe the values that a setting accepts, to complete "expected ..."."""
    if text := (metadata(setting).extra or {}).get("expected"):
        return str(text)
    from msgspec import inspect  # noqa: PLC0415 - needed only for an invalid setting

    match _without_none(inspect.type_info(setting.type)):
        case inspect.IntType(ge=least, le=most):
            return f"a whole number{_range(least, most)}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number{_range(least, most)}"
        case inspect.FloatType(gt=limit):
            return f"a number greater than {limit:g}"
        case inspect.LiteralType(values=values):
            *others, last = map(str, values)
            return f"{', '.join(others)} or {last}"
        case inspect.BoolType():
            return "true or false"
        case _:
            return "text"


def _without_none(info: "inspect.Type") -> "inspect.Type":
    """Return the type of a setting without its metadata and without None."""
    from msgspec import inspect  # noqa: PLC0415 - needed only for an invalid setting

    match info:
        case inspect.Metadata(type=inner):
            return _without_none(inner)
        case inspect.UnionType(types=types):
            return _without_none(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case _:
            return info


def _range(least: float | None, most: float | None) -> str:
    if most is not None:
        return f" from {least:g} to {most:g}"
    return "" if least is None else f" of at least {least:,}"
