"""Signs of life."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """A sign of life."""

    status: Literal["healthy"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"
