"""The catalogue of reasons: why a file was skipped or failed, or why a job waits or failed, and how to fix it.

The page, the command line and the API all show these sentences.
"""

from enum import StrEnum
from typing import NamedTuple


class FixBy(StrEnum):
    """Who can make a reason go away."""

    OWNER = "owner"  # the owner of the file or folder at the source
    OPERATOR = "operator"  # the person who runs imageferry
    LATER = "later"  # nobody: a later try may succeed
    NOBODY = "nobody"  # nothing needs fixing, or nothing can be fixed


class Reason(StrEnum):
    """Why a file was skipped or failed, or why a job waits or failed. The codes are stable."""

    # A file is skipped on purpose.
    UNCHANGED = "unchanged"  # the catalog has this version already
    NATIVE_DOCUMENT = "native_document"  # a Google Docs editors file: it has no bytes to download
    NOT_AN_IMAGE = "not_an_image"  # by its type and extension, or by its content
    EXCLUDED = "excluded"  # by the options of the job
    DANGLING_SHORTCUT = "dangling_shortcut"  # its target was deleted or isn't shared
    KEPT_EXISTING = "kept_existing"  # it changed at the source, and the job keeps existing versions
    CANCELLED = "cancelled"  # its job was cancelled before it was transferred

    # A file failed.
    DELETED = "deleted"  # its image was deleted during the transfer
    EMPTY = "empty"  # zero bytes
    GONE = "gone"  # deleted or unshared after it was listed
    FORBIDDEN = "forbidden"  # its owner does not permit downloads
    ABUSIVE = "abusive"  # the source flagged it as malware or spam
    DOWNLOAD_QUOTA = "download_quota"  # too many people downloaded it recently
    CORRUPT = "corrupt"  # size or digest did not match in any try
    UNEXPECTED_PAGE = "unexpected_page"  # the source answered with an HTML page instead of the file
    SOURCE_UNAVAILABLE = "source_unavailable"  # 5xx, resets, stalls, DNS or TLS failures
    RATE_LIMITED = "rate_limited"  # the source limited the request rate for longer than we wait
    REFUSED_REDIRECT = "refused_redirect"  # the source redirected to a host that is not its own
    REJECTED = "rejected"  # the source or the store called the request invalid
    INVALID_ENTRY = "invalid_entry"  # what the source lists of it can't be read, or the catalog can't hold it
    LISTING_INCOMPLETE = "listing_incomplete"  # the source never returned a complete listing of this folder
    HUNG_WORKER = "hung_worker"  # alone in its process, which stopped responding and was killed
    CRASHED_WORKER = "crashed_worker"  # its batch was dispatched too many times and no worker returned it

    # A job waits or failed.
    NOT_A_FOLDER_URL = "not_a_folder_url"  # the URL names no folder of a known source
    FOLDER_NOT_FOUND = "folder_not_found"  # private, trashed or missing
    CREDENTIALS_REJECTED = "credentials_rejected"  # the source does not accept the API key or account
    DAILY_LIMIT = "daily_limit"  # the project's daily quota is used up
    STORE_UNAVAILABLE = "store_unavailable"  # the store can't be reached, or limits the request rate
    STORE_DENIED = "store_denied"  # the store does not accept the credentials, or is read-only
    STORE_MISSING = "store_missing"  # no such bucket, container or folder
    STORE_FULL = "store_full"  # no space left
    ARCHIVED = "archived"  # the store keeps the object in an archive, and can't return it now
    CLOCK_WRONG = "clock_wrong"  # this machine's clock: requests are signed with their time
    DIFFERENT_STORE = "different_store"  # the job was started for another store
    CATALOG_UNAVAILABLE = "catalog_unavailable"  # the database can't be opened or reached
    CATALOG_NEWER = "catalog_newer"  # a newer imageferry migrated it
    BROKER_UNAVAILABLE = "broker_unavailable"  # the message broker can't be reached
    NO_WORKER = "no_worker"  # no worker serves a stage that the job needs
    TRANSFER_PROCESS_FAILED = "transfer_process_failed"  # it can't be started, or exits before it is ready
    OVERLOADED = "overloaded"  # too many requests at once
    MISCONFIGURED = "misconfigured"  # a setting or option has no usable value

    # A request is refused.
    CONFLICT = "conflict"  # it does not fit the job's state
    KEY_REUSED = "key_reused"  # its Idempotency-Key belongs to another request

    @property
    def fix_by(self) -> FixBy:
        """Who can fix it."""
        return _TEXTS[self].fix_by

    @property
    def sentence(self) -> str:
        """What happened, in one sentence."""
        return _TEXTS[self].sentence

    @property
    def fix(self) -> str:
        """What to do about it, in one or two sentences."""
        return _TEXTS[self].fix


class _Text(NamedTuple):
    fix_by: FixBy
    sentence: str
    fix: str


_TEXTS = {
    Reason.UNCHANGED: _Text(
        FixBy.NOBODY,
        "This version of the file is already imported.",
        "Nothing to do.",
    ),
    Reason.NATIVE_DOCUMENT: _Text(
        FixBy.NOBODY,
        "Google Docs files can't be imported.",
        "If it is an image, export it in Google Drive, upload the export and import the folder again.",
    ),
    Reason.NOT_AN_IMAGE: _Text(
        FixBy.NOBODY,
        "Not an image.",
        "Nothing to do.",
    ),
    Reason.EXCLUDED: _Text(
        FixBy.NOBODY,
        "Excluded by the import's options.",
        "To include it, import the folder again with different options.",
    ),
    Reason.DANGLING_SHORTCUT: _Text(
        FixBy.OWNER,
        "Broken shortcut: its target was deleted or isn't shared.",
        "Ask the owner to share the target or to remove the shortcut, then import the folder again.",
    ),
    Reason.KEPT_EXISTING: _Text(
        FixBy.NOBODY,
        "The file changed, but the import keeps existing versions.",
        "To get the new version, import the folder again with changed files replaced (on_change=replace).",
    ),
    Reason.CANCELLED: _Text(
        FixBy.NOBODY,
        "Not imported: the job was cancelled.",
        "Retry the job to continue where it stopped.",
    ),
    Reason.DELETED: _Text(
        FixBy.OPERATOR,
        "The image was deleted while it was being imported again.",
        "If you still want it, retry.",
    ),
    Reason.EMPTY: _Text(
        FixBy.OWNER,
        "The file is empty.",
        "Ask the owner to upload it again, then retry.",
    ),
    Reason.GONE: _Text(
        FixBy.OWNER,
        "The file was deleted or is no longer shared.",
        "Ask the owner to restore or share it, then retry.",
    ),
    Reason.FORBIDDEN: _Text(
        FixBy.OWNER,
        "The file's owner doesn't allow downloads.",
        "Ask the owner to allow them in the file's sharing settings, then retry.",
    ),
    Reason.ABUSIVE: _Text(
        FixBy.OWNER,
        "Google flagged the file as malware or spam.",
        "Ask the owner to request a review by Google, then retry.",
    ),
    Reason.DOWNLOAD_QUOTA: _Text(
        FixBy.LATER,
        "Too many people downloaded the file recently.",
        "Retry tomorrow: Google lifts the limit within a day.",
    ),
    Reason.CORRUPT: _Text(
        FixBy.LATER,
        "The download never matched Google's size and checksum.",
        "Try again later. If it keeps failing, ask the owner to upload the file again.",
    ),
    Reason.UNEXPECTED_PAGE: _Text(
        FixBy.LATER,
        "Google Drive sent a web page instead of the file.",
        "Try again later.",
    ),
    Reason.SOURCE_UNAVAILABLE: _Text(
        FixBy.LATER,
        "Google Drive didn't respond, or the connection was lost.",
        "Try again later. If every file fails, check imageferry's network connection.",
    ),
    Reason.RATE_LIMITED: _Text(
        FixBy.LATER,
        "Google Drive limited the request rate for too long.",
        "Try again later, or lower IMAGEFERRY_DOWNLOADS_PER_SECOND.",
    ),
    Reason.REFUSED_REDIRECT: _Text(
        FixBy.OPERATOR,
        "The download was redirected to a host that isn't Google's, which is never followed.",
        "Check that no proxy intercepts the connection to Google Drive, then retry.",
    ),
    Reason.REJECTED: _Text(
        FixBy.OPERATOR,
        "Google Drive or the storage rejected the request as invalid.",
        "Retry. If it fails again, report a bug and attach the job's log.",
    ),
    Reason.INVALID_ENTRY: _Text(
        FixBy.OWNER,
        "What Google Drive lists of the file can't be read or recorded.",
        "Ask the owner to rename the file or to upload it again, then import the folder again.",
    ),
    Reason.LISTING_INCOMPLETE: _Text(
        FixBy.LATER,
        "Google Drive never listed the folder completely.",
        "Try again later: the folder is then listed again.",
    ),
    Reason.HUNG_WORKER: _Text(
        FixBy.LATER,
        "imageferry stopped responding while it processed this file.",
        "Retry. If it fails again, report a bug: this file's content is the cause.",
    ),
    Reason.CRASHED_WORKER: _Text(
        FixBy.LATER,
        "imageferry failed on this file, or the worker that had it crashed.",
        "Try again later. If it keeps failing, look for the error in the worker's log.",
    ),
    Reason.NOT_A_FOLDER_URL: _Text(
        FixBy.OPERATOR,
        "The link isn't a link to a Google Drive folder.",
        "Copy the folder's link with the Share button in Google Drive, and paste that.",
    ),
    Reason.FOLDER_NOT_FOUND: _Text(
        FixBy.OWNER,
        "The folder is private, in the trash or doesn't exist.",
        'Ask the owner to share it as "Anyone with the link", then try again.',
    ),
    Reason.CREDENTIALS_REJECTED: _Text(
        FixBy.OPERATOR,
        "Google didn't accept the API key or the credentials file.",
        "Check GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS, then resume.",
    ),
    Reason.DAILY_LIMIT: _Text(
        FixBy.LATER,
        "The Google project's daily quota is used up.",
        "Wait: the import continues by itself when the quota resets. Or raise the quota at Google.",
    ),
    Reason.STORE_UNAVAILABLE: _Text(
        FixBy.LATER,
        "The storage can't be reached, or is limiting requests.",
        "Wait: the import tries again by itself. If it keeps waiting, check the storage.",
    ),
    Reason.STORE_DENIED: _Text(
        FixBy.OPERATOR,
        "The storage didn't accept the credentials, or can't be written to.",
        "Check the storage's credentials and permissions, then resume.",
    ),
    Reason.STORE_MISSING: _Text(
        FixBy.OPERATOR,
        "The bucket, container or folder doesn't exist.",
        "Create it, or set STORE_URL to another one, then resume.",
    ),
    Reason.STORE_FULL: _Text(
        FixBy.OPERATOR,
        "The storage is full.",
        "Free some space. The import then continues by itself.",
    ),
    Reason.ARCHIVED: _Text(
        FixBy.OPERATOR,
        "The object is archived in the storage.",
        "Restore it in the storage (from Glacier, or Azure's archive tier), then try again.",
    ),
    Reason.CLOCK_WRONG: _Text(
        FixBy.OPERATOR,
        "The clock of imageferry's machine is wrong, so the storage refuses its requests.",
        "Set the clock, for example with NTP. The import then continues by itself.",
    ),
    Reason.DIFFERENT_STORE: _Text(
        FixBy.OPERATOR,
        "The import was started for a different storage.",
        "Set STORE_URL to that storage, or import the folder again.",
    ),
    Reason.CATALOG_UNAVAILABLE: _Text(
        FixBy.OPERATOR,
        "The database can't be opened or reached.",
        "Check DATABASE_URL, and that the database is running.",
    ),
    Reason.CATALOG_NEWER: _Text(
        FixBy.OPERATOR,
        "The database was upgraded by a newer version of imageferry.",
        "Install that version or a later one here too.",
    ),
    Reason.BROKER_UNAVAILABLE: _Text(
        FixBy.OPERATOR,
        "The message broker can't be reached.",
        "Check CELERY_BROKER_URL, and that the broker is running.",
    ),
    Reason.NO_WORKER: _Text(
        FixBy.OPERATOR,
        "No worker serves a stage of the import.",
        "Start a worker with the role that is missing. The import then continues by itself.",
    ),
    Reason.TRANSFER_PROCESS_FAILED: _Text(
        FixBy.OPERATOR,
        "The process that transfers the files couldn't start.",
        "Check the log for its error, and the free memory. The import tries again by itself.",
    ),
    Reason.OVERLOADED: _Text(
        FixBy.LATER,
        "Too many requests at once.",
        "Try again in a moment.",
    ),
    Reason.MISCONFIGURED: _Text(
        FixBy.OPERATOR,
        "A setting or option is not valid.",
        "Fix the value that the message names.",
    ),
    Reason.CONFLICT: _Text(
        FixBy.NOBODY,
        "The request doesn't fit the job's state.",
        "Check the job's state: its `actions` list what is possible now.",
    ),
    Reason.KEY_REUSED: _Text(
        FixBy.OPERATOR,
        "This Idempotency-Key was already used for a different request.",
        "Use a new key for a new request.",
    ),
}
