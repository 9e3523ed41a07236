"""Fields that many bodies, and addresses, share."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints

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
