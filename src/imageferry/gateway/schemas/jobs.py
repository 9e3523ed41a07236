"""Jobs, as they are shown."""

from datetime import date

from pydantic import BaseModel, Field

from imageferry.catalog.jobs.webhook_deliveries import DeliveryState
from imageferry.errors import Mender, Reason
from imageferry.gateway.schemas.fields import Instant
from imageferry.model import Action, JobState, OnChange


class JobLinks(BaseModel):
    """Where more is told of a job."""

    self: str
    status: str
    manifest: str
    events: str


class JobOptions(BaseModel):
    """How a job selects files."""

    recursive: bool
    include: list[str]
    exclude: list[str]
    mime_types: list[str]
    size_min: int | None = Field(description="In bytes.")
    size_max: int | None = Field(description="In bytes.")
    modified_after: date | None
    modified_before: date | None
    on_change: OnChange


class Rate(BaseModel):
    """How fast a job goes, by its last seconds."""

    files_s: float = Field(description="Files a second that get an outcome, whatever it is.")
    bytes_s: float = Field(description="Bytes a second that come over the wire.")


class Eta(BaseModel):
    """How long a job will take still: between these."""

    min_s: float
    max_s: float


class Webhook(BaseModel):
    """How far it is told that a job came to its end."""

    state: DeliveryState
    tries: int
    status: int | None = Field(description="What was answered last.")
    detail: str | None = Field(description="What was wrong last, in a sentence.")
    updated_at: Instant


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
    source_url: str | None = Field(description="The folder's page at the source.")
    folder_id: str
    folder_name: str | None
    store: str
    options: JobOptions
    priority: int = Field(description="Higher ones are served first.")
    webhook_url: str | None = Field(description="Who is told of its end.")
    webhook: Webhook | None = Field(description="How that went; None before the end.")
    actions: list[Action] = Field(description="What is possible now.")
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
    rate: Rate | None = Field(description="None while the job does not run.")
    eta: Eta | None = Field(description="None while files are still being counted, or it cannot be told yet.")
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    links: JobLinks


class Cause(BaseModel):
    """Files that share a reason."""

    reason: Reason
    title: str = Field(description="What is the matter, in a sentence.")
    mender: Mender = Field(description="Who can mend it.")
    mend: str = Field(description="Who does what about it, in a sentence.")
    count: int


class JobDetail(Job):
    """A job, and why files of it were not stored."""

    failures: list[Cause]
    skips: list[Cause]


class JobList(BaseModel):
    """Some of the jobs, newest first."""

    items: list[Job]
    next: str | None = Field(description="The cursor of the next page; None at the end.")


class Point(BaseModel):
    """How far a job was at a moment."""

    at: Instant
    discovered: int
    processed: int
    bytes: int = Field(description="That had come over the wire.")


class Progress(BaseModel):
    """A job's line, for a chart of its rate."""

    samples: list[Point] = Field(max_length=300)
