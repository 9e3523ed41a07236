"""What an import would do, as it is shown."""

from typing import Literal

from pydantic import BaseModel, Field

from imageferry.gateway.schemas.jobs import Cause


class Check(BaseModel):
    """A link that names a folder, as far as its shape tells."""

    source: str
    kind: Literal["folder"] = "folder"
    folder_id: str
    resource_key: str | None = Field(description="Older links carry it; the folder cannot be seen without it.")
    looks: str = Field(default="This is the link of a Google Drive folder.", description="The verdict in a sentence.")


class TypeCount(BaseModel):
    """How many files of a type there are."""

    mime_type: str
    count: int


class Sample(BaseModel):
    """One of the files that would be stored."""

    id: str = Field(description="The source's.")
    name: str
    mime_type: str
    size: int | None = Field(description="In bytes; None where the listing does not tell.")
    thumbnail_url: str | None = Field(
        default=None, description="At this gateway, for an hour or two; None: the file is too large for a glimpse."
    )


class Preview(BaseModel):
    """What an import would do, as far as the folder could be listed in time."""

    source: str
    folder_id: str
    folder_name: str
    complete: bool = Field(description="False: the listing took longer than a preview may; these are counts so far.")
    folders: int
    files: int
    to_store: int = Field(description="New and changed files.")
    changed: int = Field(description="Of these: an older version is stored.")
    unchanged: int
    bytes_to_store: int
    types: list[TypeCount]
    skipped: list[Cause] = Field(description="Files that would be left out, unchanged ones apart.")
    failing: list[Cause] = Field(description="Files that cannot be had, as listed.")
    samples: list[Sample]
