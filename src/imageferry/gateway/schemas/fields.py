"""Fields that many bodies share."""

from datetime import datetime
from typing import Annotated

from pydantic import PlainSerializer, StringConstraints

# The catalog keeps UTC without a zone.
Instant = Annotated[datetime, PlainSerializer(lambda at: f"{at.isoformat(timespec='milliseconds')}Z", return_type=str)]
LINK_LENGTH_MAX = 4096
Link = Annotated[str, StringConstraints(min_length=1, max_length=LINK_LENGTH_MAX)]
