"""The installation: version, parts and demo."""

from typing import Literal

from pydantic import BaseModel, Field


class Demo(BaseModel):
    """The offline demo."""

    available: bool = Field(description="True when this gateway runs with a test Drive server and a sample folder.")


class System(BaseModel):
    """The version and configuration of this gateway."""

    version: str
    store: str = Field(description="The store's URL, without credentials.")
    catalog: str = Field(description="The kind of database.", examples=["sqlite", "postgresql"])
    engine: Literal["local", "celery"] = Field(description="`local` when this process runs the imports itself.")
    auth: bool = Field(description="Whether an access token is required.")
    demo: Demo
