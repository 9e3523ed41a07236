"""Jobs: their state, progress, options and history."""

from datetime import date

from pydantic import BaseModel, Field

from imageferry.catalog.jobs.webhook_deliveries import DeliveryState
from imageferry.errors import FixBy, Reason
from imageferry.gateway.schemas.fields import Instant
from imageferry.model import JobAction, JobState, OnChange


class JobLinks(BaseModel):
    """URLs with more about a job."""

    self: str
    status: str = Field(description="The URL of the import's status.")
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


class TransferRate(BaseModel):
    """The current speed of a job, averaged over the last seconds."""

    files_per_second: float = Field(description="Files finished per second, with any outcome.")
    bytes_per_second: float = Field(description="Bytes downloaded per second.")


class TimeLeft(BaseModel):
    """The estimated remaining time of a job, as a range."""

    min_s: float
    max_s: float


class WebhookStatus(BaseModel):
    """The delivery of a job's webhook."""

    state: DeliveryState
    tries: int
    status: int | None = Field(description="The HTTP status of the last answer.")
    detail: str | None = Field(description="The last error, as a sentence.")
    updated_at: Instant


class Job(BaseModel):
    """One request to import a folder, and its progress.

    `discovered` is the sum of `stored`, `skipped`, `failed` and the files still to do. It grows until `listing_done`.
    """

    id: str
    state: JobState
    reason: Reason | None = Field(description="Why the job is waiting or has failed.")
    detail: str | None = Field(description="The reason as a sentence, and how to fix it.")
    mender: FixBy | None = Field(description="Who can fix it.")
    source: str
    source_url: str | None = Field(description="The folder's web page at the source.")
    folder_id: str
    folder_name: str | None
    store: str
    options: JobOptions
    priority: int = Field(description="Higher priorities are processed first.")
    webhook_url: str | None = Field(description="The URL to notify when the job finishes.")
    webhook: WebhookStatus | None = Field(description="The delivery of that notification; null until the job finishes.")
    actions: list[JobAction] = Field(description="The actions that are currently possible.")
    listing_done: bool
    discovered: int
    processed: int
    stored: int
    skipped: int
    unchanged: int = Field(description="Skipped files that are already stored in the same version.")
    failed: int
    bytes_discovered: int = Field(
        description="The total size of the files to transfer, as far as the source lists sizes."
    )
    bytes_stored: int
    bytes_transferred: int = Field(description="The part of `bytes_stored` that this job downloaded.")
    rate: TransferRate | None = Field(description="Null unless the job is running.")
    eta: TimeLeft | None = Field(description="Null while files are still being counted, or when it can't be estimated.")
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    links: JobLinks


class ReasonCount(BaseModel):
    """The number of files with the same reason."""

    reason: Reason
    title: str = Field(description="What is wrong, as a sentence.")
    mender: FixBy = Field(description="Who can fix it.")
    mend: str = Field(description="How to fix it, as a sentence.")
    count: int


class JobDetail(Job):
    """A job, and why files of it were not stored."""

    failures: list[ReasonCount]
    skips: list[ReasonCount]


class JobList(BaseModel):
    """One page of the jobs, newest first."""

    items: list[Job]
    next: str | None = Field(description="The cursor of the next page; null on the last page.")


class ProgressSample(BaseModel):
    """A job's progress at one moment."""

    at: Instant
    discovered: int
    processed: int
    bytes: int = Field(description="Bytes downloaded so far.")


class Progress(BaseModel):
    """A job's progress over time."""

    samples: list[ProgressSample] = Field(max_length=300, description="Evenly spaced in time, oldest first.")
