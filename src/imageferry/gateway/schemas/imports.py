"""Imports: the request, its answer and the status."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from imageferry.errors import Reason
from imageferry.gateway.schemas.fields import Day, FolderLink, Size, Text
from imageferry.gateway.schemas.images import Image
from imageferry.gateway.schemas.job_actions import PRIORITY_MAX, PRIORITY_MIN
from imageferry.gateway.schemas.jobs import JobLinks
from imageferry.model import JobOptions, JobState, OnChange

PATTERNS_MAX = 100

Pattern = Annotated[Text, StringConstraints(max_length=500)]
Patterns = Annotated[list[Pattern], Field(max_length=PATTERNS_MAX)]
MimeType = Annotated[Text, StringConstraints(max_length=100)]


class ImportRequest(BaseModel):
    """A folder to import, with options. Unknown options are rejected."""

    model_config = ConfigDict(extra="forbid", strict=True)

    folder_url: FolderLink | None = Field(
        None,
        description="The link of a Google Drive folder, in any form that Google Drive shares.",
        examples=["https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345"],
    )
    folder_url_camel: FolderLink | None = Field(
        None, alias="folderUrl", description="Alternative spelling of `folder_url`."
    )
    recursive: bool = Field(default=True, description="Include subfolders.")
    include: Patterns = Field(
        [], description="Glob patterns for path and name. Only matching files are imported; empty: all files."
    )
    exclude: Patterns = Field(
        [], description="Glob patterns for path and name. Matching files are skipped, even if `include` matches them."
    )
    mime_types: Annotated[list[MimeType], Field(max_length=PATTERNS_MAX)] = Field(
        [], description="Import only these types, such as image/jpeg or image/*; empty: all types."
    )
    size_min: Size | None = Field(None, description="Import only files of at least this size in bytes.")
    size_max: Size | None = Field(None, description="Import only files of at most this size in bytes.")
    modified_after: Day | None = Field(None, description="Import only files modified on or after this day (UTC).")
    modified_before: Day | None = Field(None, description="Import only files modified before this day (UTC).")
    priority: int = Field(0, ge=PRIORITY_MIN, le=PRIORITY_MAX, description="Higher priorities are processed first.")
    on_change: Annotated[OnChange, Field(strict=False)] = Field(
        OnChange.REPLACE,
        description="What to do when a stored file has changed at the source: `replace` it with the new version, or "
        "`keep` the stored version.",
    )
    webhook_url: Annotated[Text, StringConstraints(max_length=2048)] | None = Field(
        None, description="The URL to notify when the import finishes."
    )

    @model_validator(mode="after")
    def _require_one_url(self) -> "ImportRequest":
        if (self.folder_url is None) == (self.folder_url_camel is None):
            raise ValueError('give one folder link: {"folder_url": "https://drive.google.com/drive/folders/..."}')
        return self

    @property
    def options(self) -> JobOptions:
        """The job's options for selecting files."""
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
        """The folder link, from whichever spelling was sent."""
        return self.folder_url or self.folder_url_camel or ""


class ImportAccepted(BaseModel):
    """An accepted import. It is stored in the catalog and survives a restart of the gateway."""

    job_id: str
    job_id_camel: str = Field(serialization_alias="jobId", description="Same as `job_id`.")
    task_id: str = Field(description="Same as `job_id`.")
    status: Literal["accepted"] = "accepted"
    message: str
    links: JobLinks


class ImportStatus(BaseModel):
    """The progress of an import."""

    job_id: str
    status: JobState
    total: int = Field(description="Files found so far.")
    processed: int = Field(description="Files that are stored, skipped or failed.")
    failed: int
    imported: list[Image] = Field(description="The latest 100 images that the import stored, newest first.")
    discovered: int
    stored: int
    skipped: int
    unchanged: int
    bytes: int = Field(description="The total size of the stored files.")
    listing_done: bool
    reason: Reason | None
    detail: str | None
    links: JobLinks
