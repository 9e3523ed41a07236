"""The values that pass between the stages. docs/design.md defines the terms."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from imageferry.errors import Reason

FOLDER_MIME_TYPE = "application/vnd.google-apps.folder"


class FolderRef(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a source, as parsed from a URL. It may not exist, or may be a shortcut."""

    source: str  # the name of a source, such as `google_drive`
    folder_id: str
    resource_key: str | None = None  # older links need it besides the id


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a source."""

    id: str
    name: str
    resource_key: str | None = None


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """The image metadata that a source's listing gives. None: not given."""

    width: int | None = None  # pixels, as stored, before `rotation`
    height: int | None = None
    rotation: int | None = None  # quarter turns clockwise
    taken_at: datetime | None = None  # the camera's clock, no time zone
    camera: str | None = None  # make and model
    lens: str | None = None
    latitude: float | None = None  # degrees
    longitude: float | None = None
    altitude_m: float | None = None
    iso: int | None = None
    aperture: float | None = None  # f-number
    exposure_s: float | None = None
    focal_length_mm: float | None = None


# Bytes of a file, in whichever buffer they were received.
Content = bytes | bytearray | memoryview


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a source, as listed."""

    id: str
    name: str  # as the source has it: any characters, any length, not unique
    mime_type: str = "application/octet-stream"  # as the source claims
    size_bytes: int | None = None  # None: not listed
    md5: str | None = None  # hex; None: not listed
    version: str | None = None  # changes with the content; None: the file never counts as unchanged
    modified_at: datetime | None = None  # UTC, no zone; None: not listed
    resource_key: str | None = None
    downloadable: bool = True  # False: its owner does not permit downloads
    media: Media | None = None


class Shortcut(msgspec.Struct, frozen=True, kw_only=True):
    """A pointer to a file or a folder elsewhere at the source."""

    id: str
    name: str
    target_id: str | None  # None: it leads nowhere
    target_mime_type: str
    target_resource_key: str | None = None


class UnreadableEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a listing that can't be used, as far as it is known."""

    id: str  # if that is unknown, any text that is the same in each listing
    name: str = ""
    detail: str  # why, in one sentence


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a folder's listing. The last page has no `next_page_token`."""

    files: tuple[File, ...] = ()
    folders: tuple[Folder, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    unreadable: tuple[UnreadableEntry, ...] = ()
    next_page_token: str | None = None
    is_complete: bool = True  # False: the source says that this page may lack files


class JobState(StrEnum):
    """The state of a job."""

    ACCEPTED = "accepted"  # in the catalog, not started
    RUNNING = "running"  # crawling, transferring, or both
    WAITING = "waiting"  # blocked by its `reason`; probes by itself
    PAUSED = "paused"  # by request, until it is resumed
    CANCELLING = "cancelling"  # by request: starts nothing new, finishes what is in progress
    COMPLETED = "completed"  # every file is stored, skipped or failed
    FAILED = "failed"  # the folder itself could not be imported
    CANCELLED = "cancelled"  # by request

    @property
    def is_terminal(self) -> bool:
        """True if the state changes only by request from now on."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}


class JobAction(StrEnum):
    """What a person can do with a job."""

    PAUSE = "pause"
    RESUME = "resume"  # a paused job continues, a waiting one probes at once
    CANCEL = "cancel"
    RETRY = "retry"  # failed files; a failed job from its root, a cancelled one from where it stopped


class ItemState(StrEnum):
    """The state of one file of a job."""

    PENDING = "pending"  # to be transferred
    STORED = "stored"  # its object is verified
    SKIPPED = "skipped"  # on purpose, with a reason
    FAILED = "failed"  # with a reason


class LedgerState(StrEnum):
    """The state of a batch, or of the listing of a folder."""

    READY = "ready"  # may be dispatched once it is due
    IN_FLIGHT = "in_flight"  # dispatched, under a lease
    DONE = "done"  # finished
    # Of a cancelled job: a folder that is not listed completely, or a batch that may have left objects in the store.
    WITHDRAWN = "withdrawn"


class OnChange(StrEnum):
    """What to do with a stored file that changed at the source."""

    REPLACE = "replace"  # overwrite it with the new version
    KEEP = "keep"  # keep the stored version


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one job selects files. A property that the listing does not give excludes no file."""

    recursive: bool = True
    include: tuple[str, ...] = ()  # globs over path and name; empty: everything
    exclude: tuple[str, ...] = ()  # globs over path and name; takes precedence over `include`
    mime_types: tuple[str, ...] = ()  # such as `image/jpeg` or `image/*`; empty: every image type
    size_bytes_min: int | None = None
    size_bytes_max: int | None = None
    modified_after: date | None = None  # on this day, in UTC, or later
    modified_before: date | None = None  # before this day, in UTC
    on_change: OnChange = OnChange.REPLACE


class PendingRetry(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a requested retry of a job that is not done yet."""

    reasons: tuple[Reason, ...] | None  # retry items that failed for these; None: for any
    include_withdrawn: bool = False  # also what a cancel skipped and withdrew
    below_item_id: int = 2**63 - 1  # items with this id or a higher one are done


# More than any window: a job that shares the window with no other may fill it.
CREDIT_MAX = 1_000_000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One request to import a folder, and its progress.

    `discovered` = `stored` + `skipped` + `failed` + pending. Byte counts are of file contents.
    """

    id: str
    source: str
    folder_id: str
    folder_name: str | None = None  # None: not resolved yet
    resource_key: str | None = None
    store: str  # the store's URL, without secrets
    options: JobOptions
    priority: int = 0  # higher priorities are served first
    webhook_url: str | None = None  # notified when the job finishes
    discard_requested: bool = False  # cancelled, and the images that it stored are to be deleted
    retry: PendingRetry | None = None
    credit: int = CREDIT_MAX  # batches that it may have in flight, of the shared window
    state: JobState = JobState.ACCEPTED
    reason: Reason | None = None  # why it waits or failed
    detail: str | None = None
    open_folders: int = 1  # folders that are not listed completely, including the root
    discovered: int = 0
    stored: int = 0
    skipped: int = 0
    unchanged: int = 0  # part of `skipped`
    failed: int = 0
    bytes_discovered: int = 0  # of the files to transfer, where listed
    bytes_stored: int = 0
    bytes_transferred: int = 0  # part of `bytes_stored`: downloaded by this job
    created_at: datetime  # UTC, no zone; so are the others
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def processed(self) -> int:
        """The number of files that have an outcome."""
        return self.stored + self.skipped + self.failed

    @property
    def actions(self) -> tuple[JobAction, ...]:
        """The actions that the state permits."""
        retry = (JobAction.RETRY,) if self.failed else ()
        match self.state:
            case JobState.ACCEPTED | JobState.RUNNING:
                return (JobAction.PAUSE, JobAction.CANCEL, *retry)
            case JobState.WAITING:
                return (JobAction.PAUSE, JobAction.RESUME, JobAction.CANCEL, *retry)
            case JobState.PAUSED:
                return (JobAction.RESUME, JobAction.CANCEL, *retry)
            case JobState.FAILED | JobState.CANCELLED:
                return (JobAction.RETRY,)
            case JobState.COMPLETED:
                return retry
            case JobState.CANCELLING:
                return ()

    @property
    def is_complete(self) -> bool:
        """True if every folder is listed, every file has an outcome and no retry is pending."""
        return self.open_folders == 0 and self.processed == self.discovered and self.retry is None


class ListedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A listed file, and whether to transfer it."""

    file: File
    folder_id: str
    path: str  # of its folder, below the root
    state: ItemState
    reason: Reason | None = None  # None: it is to be transferred
    detail: str | None = None
    object_key: str | None = None
    overwrites: bool = False  # the store has an older version under this key


class SubFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that was found in another."""

    folder: Folder
    path: str  # its own, below the root
    via_shortcut: bool = False


class TransferItem(msgspec.Struct, frozen=True, kw_only=True):
    """One file to transfer: all that the transfer stage needs to know about it."""

    item_id: int
    file_id: str
    name: str
    object_key: str  # relative to the store's URL
    mime_type: str
    size_bytes: int | None = None
    md5: str | None = None
    resource_key: str | None = None
    tries: int = 0  # how often it was dispatched before
    overwrites: bool = False  # the store has an older version under this key


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one transfer item."""

    item_id: int
    state: ItemState  # PENDING: dispatch it again
    reason: Reason | None = None  # None: stored
    detail: str | None = None  # one sentence
    size_bytes: int | None = None
    md5: str | None = None  # hex, of the bytes in the store
    version: str | None = None  # None: as listed
    mime_type: str | None = None  # detected from the content, else as listed
    digest_mismatch: bool = False  # stored although it never matched the source's digest
    transferred: bool = True  # False: a verified object was in the store already


class Crawl(msgspec.Struct, frozen=True, kw_only=True):
    """Message: list one page of one folder."""

    job_id: str
    source: str  # its name
    job_folder_id: int  # the folder's row in `job_folders`
    folder: Folder
    path: str  # of the folder, below the root, joined by `/`; the root is ""
    page_token: str | None = None
    page_number: int = 1
    checkpoint: str | None = None  # the token of an earlier page
    is_root: bool = False

    def next_page(self, token: str) -> "Crawl":
        """Return the message for the page after this one.

        Checkpoints are the pages 1, 2, 4, 8 ...: a circle of any length comes back to one of them (Brent's algorithm).
        """
        is_checkpoint = self.page_number.bit_count() == 1
        checkpoint = self.page_token if is_checkpoint else self.checkpoint
        return msgspec.structs.replace(self, page_token=token, page_number=self.page_number + 1, checkpoint=checkpoint)

    def comes_back_to(self, token: str | None) -> bool:
        """Return True if the next page's token is that of this page or of the checkpoint."""
        return token is not None and token in {self.page_token, self.checkpoint}


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Message: transfer the files of one batch into the store."""

    job_id: str
    source: str  # its name
    batch_id: int
    items: tuple[TransferItem, ...]
    redelivered: bool = False  # dispatched before: the store may have some of its objects already
    isolated: bool = False  # one file, which may hang its process: nothing else is transferred there meanwhile

    def empty_final_record(
        self, *, worker_lost: bool = False, blocked_reason: Reason | None = None, blocked_detail: str | None = None
    ) -> "Record":
        """Return a final record without outcomes: every file of the batch is dispatched again."""
        return Record(
            job_id=self.job_id,
            batch_id=self.batch_id,
            outcomes=(),
            is_final=True,
            worker_lost=worker_lost,
            blocked_reason=blocked_reason,
            blocked_detail=blocked_detail,
        )


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Message: write outcomes of one batch. The batch is returned with the record that `is_final`."""

    job_id: str
    batch_id: int
    outcomes: tuple[Outcome, ...]
    is_final: bool
    blocked_reason: Reason | None = None  # why no file of the job can be transferred: the job waits
    blocked_detail: str | None = None
    worker_lost: bool = False  # the process that had the batch died, perhaps because of one of its files
    suspects: tuple[int, ...] = ()  # of a final record: items, one of which may have hung the process


Message = Crawl | Transfer | Record
