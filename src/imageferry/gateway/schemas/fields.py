"""Fields that many bodies, and addresses, share."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_out(day: object) -> object:
    # A number would be taken for seconds since 1970.
    if not (isinstance(day, str) and _DAY.fullmatch(day)):
        raise ValueError("write a day as 2026-11-20")
    return day


Day = Annotated[date, Field(strict=False), BeforeValidator(_written_out)]
# The catalog keeps UTC without a zone.
Instant = Annotated[datetime, PlainSerializer(lambda at: f"{at.isoformat(timespec='milliseconds')}Z", return_type=str)]

INTEGER_MAX = 2**63 - 1  # of a database's integers
Id = Annotated[int, Field(ge=1, le=INTEGER_MAX)]
Size = Annotated[int, Field(ge=0, le=INTEGER_MAX)]

# No database but SQLite holds the character 0 in a string.
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
Exact = Annotated[Text, StringConstraints(max_length=255)]

LINK_LENGTH_MAX = 4096
Link = Annotated[str, StringConstraints(min_length=1, max_length=LINK_LENGTH_MAX)]
