"""Problems, as errors are told."""

from pydantic import BaseModel, Field


class Flaw(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    what: str


class Problem(BaseModel):
    """A problem (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What is wrong and, where it can be, how to mend it.")
    error: str = Field(description="The same, for clients of older systems.")
    code: str | None = Field(None, description="A stable reason.")
    errors: list[Flaw] = Field([], description="Each thing that is wrong with the request.")
