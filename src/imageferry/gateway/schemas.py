"""What the gateway takes and answers, as its OpenAPI document describes it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from imageferry.errors import Mender, Reason
from imageferry.model import JobState

PATTERNS_MAX = 100

# The catalog keeps UTC without a zone.
Instant = Annotated[datetime, PlainSerializer(lambda at: f"{at.isoformat(timespec='milliseconds')}Z", return_type=str)]
Link = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Patterns = Annotated[list[Pattern], Field(max_length=PATTERNS_MAX)]


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

    @model_validator(mode="after")
    def _names_one_folder(self) -> "ImportRequest":
        if (self.folder_url is None) == (self.folder_url_camel is None):
            raise ValueError('name one folder: {"folder_url": "https://drive.google.com/drive/folders/..."}')
        return self

    @property
    def url(self) -> str:
        """The folder's link."""
        return self.folder_url or self.folder_url_camel or ""


class JobLinks(BaseModel):
    """Where more is told of a job."""

    self: str
    status: str
    manifest: str


class Accepted(BaseModel):
    """An import that will be done, whatever happens to this process."""

    job_id: str
    job_id_camel: str = Field(serialization_alias="jobId", description="The same.")
    task_id: str = Field(description="The same.")
    status: Literal["accepted"] = "accepted"
    message: str
    links: JobLinks


class Location(BaseModel):
    """Where a picture was taken, in degrees."""

    latitude: float
    longitude: float


class Image(BaseModel):
    """The record of a file that is stored and verified."""

    id: int
    name: str = Field(description="As the source has it: any characters, not unique.")
    google_drive_id: str | None = Field(description="None when it came from another source.")
    source: str
    folder_id: str
    path: str = Field(description="Of its folder, below the folder that was imported.")
    size: int = Field(description="In bytes.")
    mime_type: str
    storage_path: str = Field(description="The object's full URL in the store.")
    checksum: str = Field(description="The MD5 of the stored bytes, in hex.")
    width: int | None
    height: int | None
    taken_at: datetime | None = Field(description="By the camera's clock, whose zone is not known.")
    camera: str | None
    location: Location | None
    created_at: Instant
    updated_at: Instant


class ImagePage(BaseModel):
    """Some of the images, in the order in which they were first stored."""

    items: list[Image]
    page: int
    per_page: int
    total: int
    pages: int
    next: str | None = Field(description="The next page's address.")


class JobOptions(BaseModel):
    """How a job selects files."""

    recursive: bool
    include: list[str]
    exclude: list[str]


class Job(BaseModel):
    """One request to import a folder, and how far it is.

    `discovered` is `stored` + `skipped` + `failed` + what is still to be done; it grows until `listing_done`.
    """

    id: str
    state: JobState
    reason: Reason | None = Field(description="Why it waits or failed.")
    detail: str | None = Field(description="The same in one sentence, and how to mend it.")
    mender: Mender | None = Field(description="Who can mend it.")
    source: str
    folder_id: str
    folder_name: str | None
    store: str
    options: JobOptions
    listing_done: bool
    discovered: int
    processed: int
    stored: int
    skipped: int
    unchanged: int = Field(description="Of the skipped: stored before, and the same still.")
    failed: int
    bytes_discovered: int = Field(description="Of the files to transfer, as far as the listing tells.")
    bytes_stored: int
    bytes_moved: int = Field(description="Of the stored: those that came over the wire.")
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    links: JobLinks


class Cause(BaseModel):
    """Files that share a reason."""

    reason: Reason
    count: int
    mender: Mender = Field(description="Who can mend it.")


class JobDetail(Job):
    """A job, and why files of it were not stored."""

    failures: list[Cause]
    skips: list[Cause]


class JobList(BaseModel):
    """The latest jobs, newest first."""

    items: list[Job]


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


class Health(BaseModel):
    """A sign of life."""

    status: Literal["healthy"] = "healthy"
    service: Literal["api-gateway"] = "api-gateway"


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
