"""The values that travel through the flow; docs/design.md has the terms."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from imageferry.errors import Reason

FOLDER_MIME_TYPE = "application/vnd.google-apps.folder"


class FolderRef(msgspec.Struct, frozen=True, kw_only=True):
    """What a pasted URL names: a folder (as far as its shape tells) at one source."""

    source: str  # the name of a source, as `google_drive`
    folder_id: str
    resource_key: str | None = None  # older links need it beside the id


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a source."""

    id: str
    name: str
    resource_key: str | None = None


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """What a source's listing tells of a picture itself; None where it does not."""

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


# Bytes of a file: as Python's own, or as whoever received them holds them.
Content = bytes | bytearray | memoryview


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a source, as listed."""

    id: str
    name: str  # as the source has it: any characters, any length, not unique
    mime_type: str = "application/octet-stream"  # what the source claims
    size_bytes: int | None = None  # None: the listing does not tell
    md5: str | None = None  # hex; None: the listing does not tell
    version: str | None = None  # changes with the content; what an unchanged file is known by
    modified_at: datetime | None = None  # UTC, no zone; None: the listing does not tell
    resource_key: str | None = None
    downloadable: bool = True  # its owner permits it
    media: Media | None = None


class Shortcut(msgspec.Struct, frozen=True, kw_only=True):
    """A pointer to a file or a folder elsewhere at the source."""

    id: str
    name: str
    target_id: str
    target_mime_type: str
    target_resource_key: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a folder's listing; only a page without `next_page_token` ends it."""

    files: tuple[File, ...] = ()
    folders: tuple[Folder, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    next_page_token: str | None = None
    complete: bool = True  # False: the source says that this page may lack files


class JobState(StrEnum):
    """Where a job stands."""

    ACCEPTED = "accepted"  # in the catalog, nothing done yet
    RUNNING = "running"  # crawling, transferring, or both
    WAITING = "waiting"  # for something that must be mended; probes by itself
    PAUSED = "paused"  # by request, until it is resumed
    CANCELLING = "cancelling"  # by request: nothing is begun any more, and what is under way comes to its end
    COMPLETED = "completed"  # every file stored, skipped or failed
    FAILED = "failed"  # the folder itself could not be imported
    CANCELLED = "cancelled"  # by request

    @property
    def terminal(self) -> bool:
        """True: the state never changes by itself any more."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}


class Action(StrEnum):
    """What a person may do with a job."""

    PAUSE = "pause"
    RESUME = "resume"  # a paused job goes on, a waiting one tries at once
    CANCEL = "cancel"
    RETRY = "retry"  # what failed; a failed job from its root, a cancelled one from where it was


class ItemState(StrEnum):
    """Where one file of a job stands."""

    PENDING = "pending"  # to be transferred
    STORED = "stored"  # its object is verified
    SKIPPED = "skipped"  # on purpose, with a reason
    FAILED = "failed"  # with a reason


class LedgerState(StrEnum):
    """Where a batch, or the listing of a folder, stands."""

    READY = "ready"  # to be given out, once it is due
    IN_FLIGHT = "in_flight"  # given out; its lease runs
    DONE = "done"  # nothing of it is left
    WITHDRAWN = "closed"  # of a cancelled job: a folder that is not listed to its end, a batch whose objects may stand


class OnChange(StrEnum):
    """What becomes of a stored file that changed at the source."""

    REPLACE = "replace"  # the new version takes its place
    KEEP = "keep"  # the stored version stays


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one job selects files; what the listing does not tell of a file excludes no file."""

    recursive: bool = True
    include: tuple[str, ...] = ()  # globs over path and name; none: everything
    exclude: tuple[str, ...] = ()  # globs over path and name; stronger than include
    mime_types: tuple[str, ...] = ()  # as `image/jpeg` or `image/*`; none: every kind of image
    size_bytes_min: int | None = None
    size_bytes_max: int | None = None
    modified_after: date | None = None  # on this day, in UTC, or later
    modified_before: date | None = None  # before this day began
    on_change: OnChange = OnChange.REPLACE


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """What of a job is still to be tried again, as far as somebody asked for it."""

    reasons: tuple[Reason, ...] | None  # why it failed; None: whatever the reason
    withdrawn: bool = False  # what a cancel skipped and closed as well
    below: int = 2**63 - 1  # items from this id on were looked at


# More than any window: a job that nobody else shares a window with may fill it.
CREDIT_MAX = 1_000_000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One request to import a folder, and how far it is.

    `discovered` = `stored` + `skipped` + `failed` + what is pending; bytes are of the files themselves.
    """

    id: str
    source: str
    folder_id: str
    folder_name: str | None = None  # None: not resolved yet
    resource_key: str | None = None
    store: str  # the store's URL, without secrets
    options: JobOptions
    priority: int = 0  # higher ones are served first
    webhook_url: str | None = None  # who is told of its end
    discarding: bool = False  # cancelled, and what it stored is to be removed
    retry: Retry | None = None  # what is still to be tried again
    credit: int = CREDIT_MAX  # batches that it may have in flight, of its window
    state: JobState = JobState.ACCEPTED
    reason: Reason | None = None  # why it waits or failed
    detail: str | None = None
    open_folders: int = 1  # not listed to their end, the root among them
    discovered: int = 0
    stored: int = 0
    skipped: int = 0
    unchanged: int = 0  # of the skipped
    failed: int = 0
    bytes_discovered: int = 0  # of the files to transfer, as far as listed
    bytes_stored: int = 0
    bytes_moved: int = 0  # of the stored: those that came over the wire
    created_at: datetime  # UTC, no zone, as all below
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def processed(self) -> int:
        """Files that have an outcome."""
        return self.stored + self.skipped + self.failed

    @property
    def actions(self) -> tuple[Action, ...]:
        """What is possible now."""
        retry = (Action.RETRY,) if self.failed else ()
        match self.state:
            case JobState.ACCEPTED | JobState.RUNNING:
                return (Action.PAUSE, Action.CANCEL, *retry)
            case JobState.WAITING:
                return (Action.PAUSE, Action.RESUME, Action.CANCEL, *retry)
            case JobState.PAUSED:
                return (Action.RESUME, Action.CANCEL, *retry)
            case JobState.FAILED | JobState.CANCELLED:
                return (Action.RETRY,)
            case JobState.COMPLETED:
                return retry
            case JobState.CANCELLING:
                return ()

    @property
    def is_complete(self) -> bool:
        """True: every folder is listed to its end and every file has its outcome, for good."""
        return self.open_folders == 0 and self.processed == self.discovered and self.retry is None


class ListedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A listed file, and what is to become of it."""

    file: File
    folder_id: str
    path: str  # of its folder below the root
    state: ItemState
    reason: Reason | None = None  # None: to be transferred
    detail: str | None = None
    object_key: str | None = None
    replaces: bool = False  # an older version stands under the key


class SubFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder found in another."""

    folder: Folder
    path: str  # of itself below the root
    by_shortcut: bool = False


class TransferItem(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way: what a transfer needs to know of it, and where it goes."""

    item_id: int
    file_id: str
    name: str
    key: str  # of the object, relative to the store's URL
    mime_type: str
    size_bytes: int | None = None
    md5: str | None = None
    resource_key: str | None = None
    tries: int = 0  # times it was given out before
    replaces: bool = False  # an older version stands under the key


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one parcel."""

    item_id: int
    state: ItemState  # PENDING: give it out again
    reason: Reason | None = None  # None: stored
    detail: str | None = None  # one sentence
    size_bytes: int | None = None
    md5: str | None = None  # hex, of the bytes in the store
    version: str | None = None  # None: the one that was listed
    mime_type: str | None = None  # as the content tells, else as claimed
    flagged: bool = False  # stored although the source's digest never matched
    moved: bool = True  # False: the object stood there already, verified, and no byte was moved


class Crawl(msgspec.Struct, frozen=True, kw_only=True):
    """Message: list one page of one folder."""

    job_id: str
    source: str  # its name
    crawl_id: int  # of the folder's row in the ledger
    folder: Folder
    path: str  # of the folder below the root, joined by `/`; the root is ""
    page_token: str | None = None
    root: bool = False


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Message: bring the files of one batch into the store."""

    job_id: str
    source: str  # its name
    batch_id: int
    parcels: tuple[TransferItem, ...]
    repeated: bool = False  # given out before: some of it may stand in the store already

    def given_back(self, *, lost: bool = False, blocked: Reason | None = None, detail: str | None = None) -> "Record":
        """The batch's last record, without a word of any file; `detail` is of what blocked it."""
        return Record(
            job_id=self.job_id,
            batch_id=self.batch_id,
            outcomes=(),
            final=True,
            lost=lost,
            blocked=blocked,
            blocked_detail=detail,
        )


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Message: write what became of files of one batch; `final` when the batch comes back with it."""

    job_id: str
    batch_id: int
    outcomes: tuple[Outcome, ...]
    final: bool
    blocked: Reason | None = None  # the store or the source refuses everything: the job waits
    blocked_detail: str | None = None
    lost: bool = False  # it did not come back: whoever had the batch is no more, maybe by something in it


Message = Crawl | Transfer | Record
