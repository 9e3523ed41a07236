"""Requests to change a job."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imageferry.errors import Reason
from imageferry.gateway.schemas.fields import Id

ITEMS_MAX = 1000
PRIORITY_MIN, PRIORITY_MAX = -10, 10


class CancelRequest(BaseModel):
    """Options for cancelling a job."""

    model_config = ConfigDict(extra="forbid", strict=True)

    discard: bool = Field(default=False, description="Also delete the images that the job stored.")


class RetryRequest(BaseModel):
    """The failed files to retry; all of them when nothing is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reasons: (
        Annotated[list[Annotated[Reason, Field(strict=False)]], Field(min_length=1, max_length=len(Reason))] | None
    ) = Field(None, description="Retry only files that failed for these reasons.")
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=ITEMS_MAX)] | None = Field(
        None, description="Retry only the files with these item ids."
    )


class PriorityRequest(BaseModel):
    """A job's new priority."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: int = Field(
        ge=PRIORITY_MIN, le=PRIORITY_MAX, description="Higher priorities are processed first; 0 is the default."
    )
