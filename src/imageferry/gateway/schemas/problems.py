"""Error responses."""

from pydantic import BaseModel, Field


class FieldError(BaseModel):
    """One error in a request."""

    field: str
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What is wrong and, where possible, how to fix it.")
    error: str = Field(description="Same as `detail`, for clients of older systems.")
    code: str | None = Field(None, description="A stable reason code.")
    errors: list[FieldError] = Field([], description="Each error in the request.")
