"""From the text of variables to the values of settings."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import fields

from imageferry.errors import FatalError, Reason
from imageferry.settings.environment import read_variables
from imageferry.settings.fields import expected_values, variable_names

S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], overrides: Mapping[str, Any]) -> S:
    """Return the settings that the variables and `overrides` give; see Settings.load."""
    if unknown := overrides.keys() - {setting.name for setting in fields(kind)}:
        raise TypeError(f"Unknown settings: {', '.join(sorted(unknown))}")
    variables, values, problems = read_variables(), {}, []
    for setting in fields(kind):
        value = overrides.get(setting.name)
        if value is None:
            value = next((variables[name] for name in variable_names(setting) if variables.get(name)), None)
        try:
            if value is not None:
                values[setting.name] = msgspec.convert(value, setting.type, strict=False, dec_hook=_construct)
        except msgspec.ValidationError as exc:
            # A type of ours explains what is wrong; msgspec's own message is in terms of Python's types.
            is_ours = isinstance(exc.__cause__, ValueError)
            problem = str(exc) if is_ours else f"expected {expected_values(setting)}, got {value!r}"
            problems.append(f"{setting.encode_name}: {problem}")
    if not problems:
        try:
            return kind(**values)
        except ValueError as exc:
            problems.append(str(exc))
    raise FatalError(Reason.MISCONFIGURED, f"Invalid setting: {'; '.join(problems)}.")


def _construct(kind: type, value: Any) -> Any:  # noqa: ANN401 - the signature of msgspec's hook
    """Construct a type that msgspec does not know from a variable's value."""
    return kind(value)
