"""The stable reasons: why a file was not stored, why a job waits or failed, and what is to be done about each."""

from enum import StrEnum
from typing import NamedTuple


class Mender(StrEnum):
    """Who can make a failure go away."""

    OWNER = "owner"  # whoever owns the file or the folder at the source
    OPERATOR = "operator"  # whoever runs imageferry
    LATER = "later"  # nobody needs to act: try again later
    NOBODY = "nobody"  # it is as it is


class Reason(StrEnum):
    """Why a file was not stored, or why a job waits or failed; the codes are stable."""

    # A file is skipped on purpose.
    UNCHANGED = "unchanged"  # the catalog holds this version already
    NATIVE_DOCUMENT = "native_document"  # a Google document, which has no bytes
    NOT_AN_IMAGE = "not_an_image"  # neither its type nor its extension nor its content is an image's
    EXCLUDED = "excluded"  # by the job's own options
    DANGLING_SHORTCUT = "dangling_shortcut"  # its target is gone or not shared
    KEPT = "kept"  # it changed at the source, and the job keeps the version that is stored
    CANCELLED = "cancelled"  # its job was cancelled before its turn came

    # A file failed.
    DELETED = "deleted"  # its image was deleted while it was on its way
    EMPTY = "empty"  # zero bytes
    GONE = "gone"  # deleted or unshared after it was listed
    FORBIDDEN = "forbidden"  # its owner does not permit downloads
    ABUSIVE = "abusive"  # the source flagged it as malware or spam
    DOWNLOAD_QUOTA = "download_quota"  # too many people downloaded it lately
    CORRUPT = "corrupt"  # size or digest did not match, every time
    NOT_THE_FILE = "not_the_file"  # the source answered with a page instead of the file
    SOURCE_UNAVAILABLE = "source_unavailable"  # 5xx, resets, stalls, DNS or TLS failures
    RATE_LIMITED = "rate_limited"  # the source asked to slow down, for longer than we wait
    REFUSED_REDIRECT = "refused_redirect"  # the source redirected to a host that is not its own
    REJECTED = "rejected"  # the source called our request wrong
    LISTING_INCOMPLETE = "listing_incomplete"  # the source never listed this folder whole
    POISON = "poison"  # its batch was given out too many times and never came back

    # A job waits or failed.
    NOT_A_FOLDER_URL = "not_a_folder_url"  # no Drive folder can be read from what was pasted
    FOLDER_NOT_FOUND = "folder_not_found"  # private, trashed or missing
    CREDENTIALS_REJECTED = "credentials_rejected"  # the source does not accept the key or account
    DAILY_LIMIT = "daily_limit"  # the project's quota for the day is used up
    STORE_UNAVAILABLE = "store_unavailable"  # the store cannot be reached, or asks to slow down
    STORE_DENIED = "store_denied"  # the store does not accept the credentials, or is read-only
    STORE_MISSING = "store_missing"  # no such bucket, container or folder
    STORE_FULL = "store_full"  # no space left
    STORE_CHANGED = "store_changed"  # the job was begun for another store
    CATALOG_UNAVAILABLE = "catalog_unavailable"  # the database cannot be opened or reached
    CATALOG_NEWER = "catalog_newer"  # a newer imageferry wrote it
    BROKER_UNAVAILABLE = "broker_unavailable"  # what carries the messages cannot be reached
    NO_PROCESS = "no_process"  # what moves the bytes cannot be begun, or ends before it could
    BUSY = "busy"  # too much of it is asked for at once
    MISCONFIGURED = "misconfigured"  # a setting has no usable value

    # A request is refused.
    CONFLICT = "conflict"  # it does not fit the state that a job is in
    KEY_REUSED = "key_reused"  # its key stands for another request

    @property
    def mender(self) -> Mender:
        """Who can mend it."""
        return _TOLD[self].mender

    @property
    def sentence(self) -> str:
        """What is the matter, in a sentence."""
        return _TOLD[self].sentence

    @property
    def mend(self) -> str:
        """Who does what about it, in a sentence."""
        return _TOLD[self].mend


class _Told(NamedTuple):
    mender: Mender
    sentence: str
    mend: str


_TOLD = {
    Reason.UNCHANGED: _Told(
        Mender.NOBODY,
        "The file is stored already, and has not changed since.",
        "Nothing needs to be done.",
    ),
    Reason.NATIVE_DOCUMENT: _Told(
        Mender.NOBODY,
        "A Google document has no bytes of its own.",
        "Nothing can be done; export it as a picture at Google if it is one.",
    ),
    Reason.NOT_AN_IMAGE: _Told(
        Mender.NOBODY,
        "The file is no image.",
        "Nothing needs to be done.",
    ),
    Reason.EXCLUDED: _Told(
        Mender.NOBODY,
        "The job's own options leave the file out.",
        "Import the folder again with other options if you want it.",
    ),
    Reason.DANGLING_SHORTCUT: _Told(
        Mender.OWNER,
        "A shortcut leads to something that is gone or not shared.",
        "Its owner can share the target, or remove the shortcut; then retry or import again.",
    ),
    Reason.KEPT: _Told(
        Mender.NOBODY,
        "The file changed at the source, and the job keeps the version that is stored.",
        "Import the folder again with on_change=replace if you want the new version.",
    ),
    Reason.CANCELLED: _Told(
        Mender.NOBODY,
        "The job was cancelled before the file's turn came.",
        "Retry the job: it goes on where it was.",
    ),
    Reason.DELETED: _Told(
        Mender.OPERATOR,
        "Its image was deleted while it was being imported again.",
        "Retry the job if you want the file after all.",
    ),
    Reason.EMPTY: _Told(
        Mender.OWNER,
        "The file holds no bytes.",
        "Its owner can upload it again; then retry.",
    ),
    Reason.GONE: _Told(
        Mender.OWNER,
        "The file was deleted or is not shared any more.",
        "Its owner can restore or share it; then retry.",
    ),
    Reason.FORBIDDEN: _Told(
        Mender.OWNER,
        "The file's owner does not permit downloads.",
        "Its owner can allow them under Share, Settings; then retry.",
    ),
    Reason.ABUSIVE: _Told(
        Mender.OWNER,
        "The source flagged the file as malware or spam.",
        "Its owner can ask the source for a review; then retry.",
    ),
    Reason.DOWNLOAD_QUOTA: _Told(
        Mender.LATER,
        "Too many people downloaded the file lately.",
        "Retry tomorrow: the source lets go of it within a day.",
    ),
    Reason.CORRUPT: _Told(
        Mender.LATER,
        "The bytes that came never matched the size and digest that the source tells.",
        "Retry; if it stays so, its owner can upload the file again.",
    ),
    Reason.NOT_THE_FILE: _Told(
        Mender.LATER,
        "The source answered with a page in the file's place.",
        "Retry later.",
    ),
    Reason.SOURCE_UNAVAILABLE: _Told(
        Mender.LATER,
        "The source did not answer, or broke off.",
        "Retry later; if nothing at all comes, check this machine's network.",
    ),
    Reason.RATE_LIMITED: _Told(
        Mender.LATER,
        "The source asked to slow down for longer than a job waits.",
        "Retry later, or set IMAGEFERRY_DOWNLOADS_PER_SECOND lower.",
    ),
    Reason.REFUSED_REDIRECT: _Told(
        Mender.NOBODY,
        "The source redirected to a host that is not its own, which is never followed.",
        "Check that no proxy stands between this machine and the source; then retry.",
    ),
    Reason.REJECTED: _Told(
        Mender.NOBODY,
        "The source called the request wrong.",
        "Retry once; if it stays so, report it with the job's log.",
    ),
    Reason.LISTING_INCOMPLETE: _Told(
        Mender.LATER,
        "The source never listed the folder whole.",
        "Retry later: the folder is listed again.",
    ),
    Reason.POISON: _Told(
        Mender.LATER,
        "imageferry failed on the file, or whoever worked on it never came back.",
        "Retry; if it stays so, the log of the worker says why.",
    ),
    Reason.NOT_A_FOLDER_URL: _Told(
        Mender.OPERATOR,
        "The link names no folder at Google Drive.",
        "Paste the folder's link as the Share button of Google Drive gives it.",
    ),
    Reason.FOLDER_NOT_FOUND: _Told(
        Mender.OWNER,
        "The folder is private, trashed or missing.",
        'Its owner can share it with "Anyone with the link"; then retry.',
    ),
    Reason.CREDENTIALS_REJECTED: _Told(
        Mender.OPERATOR,
        "The source does not accept the key or the account.",
        "Check GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS; then resume.",
    ),
    Reason.DAILY_LIMIT: _Told(
        Mender.LATER,
        "The quota of the Google project is used up for today.",
        "Wait: the job goes on by itself; or raise the quota at Google.",
    ),
    Reason.STORE_UNAVAILABLE: _Told(
        Mender.LATER,
        "The store cannot be reached, or asks to slow down.",
        "Wait: the job tries by itself; check the store if it stays so.",
    ),
    Reason.STORE_DENIED: _Told(
        Mender.OPERATOR,
        "The store does not accept the credentials, or cannot be written to.",
        "Check the store's credentials and permissions; then resume.",
    ),
    Reason.STORE_MISSING: _Told(
        Mender.OPERATOR,
        "There is no such bucket, container or folder.",
        "Create it, or set STORE_URL to another; then resume.",
    ),
    Reason.STORE_FULL: _Told(
        Mender.OPERATOR,
        "The store has no space left.",
        "Make room; the job goes on by itself.",
    ),
    Reason.STORE_CHANGED: _Told(
        Mender.OPERATOR,
        "The job was begun for another store.",
        "Set STORE_URL to the store of the job, or import the folder again.",
    ),
    Reason.CATALOG_UNAVAILABLE: _Told(
        Mender.OPERATOR,
        "The database cannot be opened or reached.",
        "Check DATABASE_URL, and that the database runs.",
    ),
    Reason.CATALOG_NEWER: _Told(
        Mender.OPERATOR,
        "A newer imageferry wrote the catalog.",
        "Install the newer imageferry here, too.",
    ),
    Reason.BROKER_UNAVAILABLE: _Told(
        Mender.OPERATOR,
        "What carries the messages cannot be reached.",
        "Check CELERY_BROKER_URL, and that the broker runs.",
    ),
    Reason.NO_PROCESS: _Told(
        Mender.OPERATOR,
        "The process that moves the bytes cannot begin.",
        "Look into the log for its error, and at the memory that is left; the job tries again by itself.",
    ),
    Reason.BUSY: _Told(
        Mender.LATER,
        "More is asked for at once than can be done.",
        "Ask again in a moment.",
    ),
    Reason.MISCONFIGURED: _Told(
        Mender.OPERATOR,
        "A setting has no usable value.",
        "Mend the setting that the message names.",
    ),
    Reason.CONFLICT: _Told(
        Mender.NOBODY,
        "What was asked does not fit the state that the job is in.",
        "See the job's state: its `actions` tell what is possible.",
    ),
    Reason.KEY_REUSED: _Told(
        Mender.OPERATOR,
        "An Idempotency-Key was used for another request before.",
        "Send another key for another request.",
    ),
}
