"""Imports: what is asked, and what is answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from imageferry.errors import Reason
from imageferry.gateway.schemas.fields import Day, Link, Size, Text
from imageferry.gateway.schemas.images import Image
from imageferry.gateway.schemas.job_actions import PRIORITY_MAX, PRIORITY_MIN
from imageferry.gateway.schemas.jobs import JobLinks
from imageferry.model import JobOptions, JobState, OnChange

PATTERNS_MAX = 100

Pattern = Annotated[Text, StringConstraints(max_length=500)]
Patterns = Annotated[list[Pattern], Field(max_length=PATTERNS_MAX)]
MimeType = Annotated[Text, StringConstraints(max_length=100)]


class ImportRequest(BaseModel):
    """A folder to import. An option that is not known here is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    folder_url: Link | None = Field(
        None,
        description="A link to a Google Drive folder, as people paste it.",
        examples=["https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345"],
    )
    folder_url_camel: Link | None = Field(None, alias="folderUrl", description="The same, in another spelling.")
    recursive: bool = Field(default=True, description="Folders within the folder, too.")
    include: Patterns = Field([], description="Globs over path and name; none: everything.")
    exclude: Patterns = Field([], description="Globs over path and name; stronger than include.")
    mime_types: Annotated[list[MimeType], Field(max_length=PATTERNS_MAX)] = Field(
        [], description="Only images of these types, as image/jpeg or image/*; none: of every type."
    )
    size_min: Size | None = Field(None, description="Only files of so many bytes or more.")
    size_max: Size | None = Field(None, description="Only files of so many bytes or fewer.")
    modified_after: Day | None = Field(None, description="Only files that were changed on this day (UTC) or later.")
    modified_before: Day | None = Field(None, description="Only files that were changed before this day (UTC).")
    priority: int = Field(0, ge=PRIORITY_MIN, le=PRIORITY_MAX, description="Higher ones are served first.")
    on_change: Annotated[OnChange, Field(strict=False)] = Field(
        OnChange.REPLACE,
        description="What becomes of a stored file that changed at the source: `replace` brings the new version in its "
        "place, `keep` leaves what is stored.",
    )
    webhook_url: Annotated[Text, StringConstraints(max_length=2048)] | None = Field(
        None, description="Who is told of the job's end."
    )

    @model_validator(mode="after")
    def _names_one_folder(self) -> "ImportRequest":
        if (self.folder_url is None) == (self.folder_url_camel is None):
            raise ValueError('name one folder: {"folder_url": "https://drive.google.com/drive/folders/..."}')
        return self

    @property
    def options(self) -> JobOptions:
        """How the job is to select files."""
        return JobOptions(
            recursive=self.recursive,
            include=tuple(self.include),
            exclude=tuple(self.exclude),
            mime_types=tuple(self.mime_types),
            size_bytes_min=self.size_min,
            size_bytes_max=self.size_max,
            modified_after=self.modified_after,
            modified_before=self.modified_before,
            on_change=self.on_change,
        )

    @property
    def url(self) -> str:
        """The folder's link."""
        return self.folder_url or self.folder_url_camel or ""


class Accepted(BaseModel):
    """An import that will be done, whatever happens to this process."""

    job_id: str
    job_id_camel: str = Field(serialization_alias="jobId", description="The same.")
    task_id: str = Field(description="The same.")
    status: Literal["accepted"] = "accepted"
    message: str
    links: JobLinks


class ImportStatus(BaseModel):
    """How far an import is."""

    job_id: str
    status: JobState
    total: int = Field(description="Files found so far.")
    processed: int = Field(description="Of these: stored, skipped or failed.")
    failed: int
    imported: list[Image] = Field(description="The latest 100 that it stored, newest first.")
    discovered: int
    stored: int
    skipped: int
    unchanged: int
    bytes: int = Field(description="Of the stored files.")
    listing_done: bool
    reason: Reason | None
    detail: str | None
    links: JobLinks
