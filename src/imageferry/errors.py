"""Errors, told apart by what is to be done about them, and the stable reasons they carry."""

from enum import StrEnum


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

    # A file failed.
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
    MISCONFIGURED = "misconfigured"  # a setting has no usable value

    @property
    def mender(self) -> Mender:
        """Who can mend it."""
        return _MENDERS.get(self, Mender.NOBODY)


_MENDERS = {
    Reason.DANGLING_SHORTCUT: Mender.OWNER,
    Reason.EMPTY: Mender.OWNER,
    Reason.FORBIDDEN: Mender.OWNER,
    Reason.FOLDER_NOT_FOUND: Mender.OWNER,
    Reason.DOWNLOAD_QUOTA: Mender.LATER,
    Reason.CORRUPT: Mender.LATER,
    Reason.NOT_THE_FILE: Mender.LATER,
    Reason.SOURCE_UNAVAILABLE: Mender.LATER,
    Reason.RATE_LIMITED: Mender.LATER,
    Reason.DAILY_LIMIT: Mender.LATER,
    Reason.LISTING_INCOMPLETE: Mender.LATER,
    Reason.POISON: Mender.LATER,
    Reason.STORE_UNAVAILABLE: Mender.LATER,
    Reason.CATALOG_UNAVAILABLE: Mender.OPERATOR,
    Reason.CATALOG_NEWER: Mender.OPERATOR,
    Reason.CREDENTIALS_REJECTED: Mender.OPERATOR,
    Reason.NOT_A_FOLDER_URL: Mender.OPERATOR,
    Reason.STORE_DENIED: Mender.OPERATOR,
    Reason.STORE_MISSING: Mender.OPERATOR,
    Reason.STORE_FULL: Mender.OPERATOR,
    Reason.STORE_CHANGED: Mender.OPERATOR,
    Reason.BROKER_UNAVAILABLE: Mender.OPERATOR,
    Reason.MISCONFIGURED: Mender.OPERATOR,
}


class ImageferryError(Exception):
    """A stable reason and one sentence for a person: what is wrong and, where it can be, how to mend it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(ImageferryError):
    """The same call may succeed when it is made again, after `retry_after_s` seconds where that is known."""

    def __init__(self, reason: Reason, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after_s = retry_after_s


class ThrottledError(TransientError):
    """The source wants fewer calls: every call of its kind slows down, then this one is made again."""


class DeferredError(ImageferryError):
    """This file is withheld for hours; everything else goes on."""


class PermanentError(ImageferryError):
    """This file, folder or request will never succeed as it stands."""


class NotFoundError(PermanentError):
    """The source does not have it, or does not show it to us."""


class PageTokenError(PermanentError):
    """The source does not accept this page token any more: list the folder again from its first page."""


class BlockedError(ImageferryError):
    """Nothing of the job can go on until somebody mends what the message names; the job waits."""


class UsageError(ImageferryError):
    """What was asked for cannot be understood."""


class FatalError(ImageferryError):
    """This process cannot work with the configuration it was given."""
