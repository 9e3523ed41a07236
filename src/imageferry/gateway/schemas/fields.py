"""Field types that several request bodies and parameters share."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _require_iso_day(day: object) -> object:
    # Pydantic would read a number as seconds since 1970.
    if not (isinstance(day, str) and _DAY.fullmatch(day)):
        raise ValueError("write the date as YYYY-MM-DD, for example 2026-11-20")
    return day


Day = Annotated[date, Field(strict=False), BeforeValidator(_require_iso_day)]
# The catalog stores UTC without a time zone.
Instant = Annotated[datetime, PlainSerializer(lambda at: f"{at.isoformat(timespec='milliseconds')}Z", return_type=str)]

INTEGER_MAX = 2**63 - 1  # of a database's integers
Id = Annotated[int, Field(ge=1, le=INTEGER_MAX)]
Size = Annotated[int, Field(ge=0, le=INTEGER_MAX)]

# SQLite is the only database that accepts NUL in a string.
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
ExactText = Annotated[Text, StringConstraints(max_length=255)]

LINK_LENGTH_MAX = 4096
FolderLink = Annotated[str, StringConstraints(min_length=1, max_length=LINK_LENGTH_MAX)]
