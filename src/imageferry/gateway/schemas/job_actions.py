"""What may be asked of a job."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imageferry.errors import Reason
from imageferry.gateway.schemas.fields import Id

ITEMS_MAX = 1000
PRIORITY_MIN, PRIORITY_MAX = -10, 10


class Cancel(BaseModel):
    """How to cancel a job."""

    model_config = ConfigDict(extra="forbid", strict=True)

    discard: bool = Field(default=False, description="Remove what it stored, too.")


class Retry(BaseModel):
    """What to try again; nothing named: all that failed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reasons: (
        Annotated[list[Annotated[Reason, Field(strict=False)]], Field(min_length=1, max_length=len(Reason))] | None
    ) = Field(None, description="Only what failed for these reasons.")
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=ITEMS_MAX)] | None = Field(
        None, description="Only these files, by their items' ids."
    )


class Priority(BaseModel):
    """When a job is served."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int = Field(ge=PRIORITY_MIN, le=PRIORITY_MAX, description="Higher ones are served first; 0 is usual.")
