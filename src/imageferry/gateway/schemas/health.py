"""Health checks."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """The answer of a successful health check."""

    status: Literal["healthy", "degraded"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"
