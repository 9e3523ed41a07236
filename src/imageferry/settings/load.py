"""From the text of variables to the values of settings."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import FieldInfo, fields

from imageferry.errors import FatalError, Reason
from imageferry.settings.characters import check_text
from imageferry.settings.environment import read_variables
from imageferry.settings.fields import expected_values, secret_file_names, variable_names
from imageferry.settings.secret_files import read_secret_file

S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], overrides: Mapping[str, Any]) -> S:
    """Return the settings that the variables and `overrides` give; see Settings.load."""
    if unknown := overrides.keys() - {setting.name for setting in fields(kind)}:
        raise TypeError(f"Unknown settings: {', '.join(sorted(unknown))}")
    variables, values, problems = read_variables(), {}, []
    for setting in fields(kind):
        name, value = setting.encode_name, overrides.get(setting.name)
        try:
            if value is None and (found := _find(setting, variables)):
                name = found
                value = _text_of(name, setting, variables)
            if value is not None:
                values[setting.name] = _convert(value, setting)
        except ValueError as exc:
            problems.append(f"{name}: {exc}")
    if not problems:
        try:
            return kind(**values)
        except ValueError as exc:
            problems.append(str(exc))
    raise FatalError(Reason.MISCONFIGURED, f"Invalid setting: {'; '.join(problems)}.")


def _find(setting: FieldInfo, variables: Mapping[str, str]) -> str | None:
    """Return the name of the variable that gives a setting; None if none of them is set."""
    return next((name for name in (*variable_names(setting), *secret_file_names(setting)) if name in variables), None)


def _text_of(name: str, setting: FieldInfo, variables: Mapping[str, str]) -> str:
    """Return the text that a variable gives to its setting: its own, or that of the file which it names."""
    files = secret_file_names(setting)
    if name in files:
        return read_secret_file(variables[name])
    if other := next((file for file in files if file in variables), None):
        raise ValueError(f"{other} is set, too; remove one of them")
    return variables[name]


def _convert(value: Any, setting: FieldInfo) -> Any:  # noqa: ANN401 - of the setting's type
    """Return a setting's value from its text, or from a value of its type. Raise ValueError if it is not valid."""
    if isinstance(value, str):
        check_text(value)
    try:
        return msgspec.convert(value, setting.type, strict=False, dec_hook=_construct)
    except msgspec.ValidationError as exc:
        # A type of ours explains what is wrong; msgspec's own message is in terms of Python's types.
        is_ours = isinstance(exc.__cause__, ValueError)
        raise ValueError(str(exc) if is_ours else f"expected {expected_values(setting)}, got {value!r}") from exc


def _construct(kind: type, value: Any) -> Any:  # noqa: ANN401 - the signature of msgspec's hook
    """Construct a type that msgspec does not know from a variable's value."""
    return kind(value)
