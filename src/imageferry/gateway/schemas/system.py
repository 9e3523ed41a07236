"""The installation itself, as it is shown."""

from typing import Literal

from pydantic import BaseModel, Field


class Demo(BaseModel):
    """The offline demo."""

    available: bool = Field(description="This gateway stands beside a stand-in for Drive, with a folder of samples.")


class System(BaseModel):
    """What answers here, and what it works with."""

    version: str
    store: str = Field(description="The store's URL, without secrets.")
    catalog: str = Field(description="The kind of database.", examples=["sqlite", "postgresql"])
    engine: Literal["local", "celery"] = Field(description="`local`: this process does the work itself.")
    auth: bool = Field(description="A token is asked for.")
    demo: Demo
