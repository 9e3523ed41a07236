"""What a store's refusal means: one table for all stores, and for both ways of sending a request to them."""

import re
from datetime import timedelta
from typing import Any, NamedTuple

from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    NotPermittedError,
    PermanentError,
    Reason,
    TransientError,
)
from imageferry.stores.answers import Answer
from imageferry.stores.permissions import Access, permission


class _Meaning(NamedTuple):
    error: type[ImageferryError]
    reason: Reason
    sentence: str


_CLOCK = _Meaning(
    BlockedError,
    Reason.CLOCK_WRONG,
    "This machine's clock is {clock}, so the storage at {store} refuses its requests. Set the clock (use NTP).",
)
_REGION = _Meaning(BlockedError, Reason.MISCONFIGURED, "The bucket of {store} is in another region. {set_region}")
_WEB_PAGE = _Meaning(
    BlockedError,
    Reason.MISCONFIGURED,
    "A web page answered instead of the storage at {store}. Check the storage's address, and that no proxy answers.",
)
_NO_CREDENTIALS = _Meaning(
    BlockedError, Reason.STORE_DENIED, "No credentials for {store} were found. Set {credentials}."
)
_UNKNOWN_KEY = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The storage at {store} doesn't know this access key. Check AWS_ACCESS_KEY_ID, and AWS_ENDPOINT_URL if the storage "
    "is not Amazon's.",
)
_WRONG_SECRET = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The secret key for {store} doesn't match its access key. Check AWS_SECRET_ACCESS_KEY.",
)
_EXPIRED_TOKEN = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The temporary credentials for {store} have expired or are not valid. Get new ones; AWS_SESSION_TOKEN belongs to "
    "its AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
)
_EXPIRED_SIGNATURE = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The shared access signature for {store} has expired or is not valid yet. Set a new one in "
    "AZURE_STORAGE_CONNECTION_STRING.",
)
_WRONG_CREDENTIALS = _Meaning(
    BlockedError, Reason.STORE_DENIED, "The storage at {store} doesn't accept the credentials. Check {credentials}."
)
_DISABLED = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The account of {store} is disabled, or its billing is. Check it at the storage's provider.",
)
_ENCRYPTION_KEY = _Meaning(
    NotPermittedError,
    Reason.STORE_DENIED,
    "The encryption key of {store} can't be used. Check that the key is enabled, and that the credentials may use it "
    "(kms:GenerateDataKey to write, kms:Decrypt to read).",
)
_NOT_ABORTED = _Meaning(
    BlockedError,
    Reason.STORE_UNAVAILABLE,
    "An upload to {store} failed for a reason that was lost, because it could not be aborted. Grant {permission}.",
)
_NOT_PERMITTED = _Meaning(
    NotPermittedError,
    Reason.STORE_DENIED,
    "The credentials for {store} are not permitted to {action}. Grant them {permission}.",
)
_POLICY = _Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The policy of {store} refuses new objects. If it requires encryption, an access control list or a storage class, "
    "set AWS_SERVER_SIDE_ENCRYPTION, AWS_DEFAULT_ACL or IMAGEFERRY_STORAGE_CLASS.",
)
_NO_CHECKSUM = _Meaning(
    BlockedError,
    Reason.MISCONFIGURED,
    "The bucket of {store} requires a checksum with each part of a large file, as Object Lock does. Set "
    "AWS_CHECKSUM_ALGORITHM=SHA256.",
)
_NO_OVERWRITE = _Meaning(
    PermanentError,
    Reason.STORE_DENIED,
    "The storage at {store} has an object under this key already, and doesn't permit it to be overwritten.",
)
_MISSING = _Meaning(
    BlockedError,
    Reason.STORE_MISSING,
    "The storage at {store} does not exist. Create the bucket or container, or change STORE_URL.",
)
_FULL = _Meaning(
    BlockedError,
    Reason.STORE_FULL,
    "The storage at {store} is full, or its quota is used up. Free some space, or point STORE_URL to other storage.",
)
_ARCHIVED = _Meaning(
    PermanentError,
    Reason.ARCHIVED,
    "The object is archived, so {store} can't return it. Restore it in the storage first.",
)
_GONE = _Meaning(NotFoundError, Reason.GONE, "The object is no longer in the storage at {store}.")
_REJECTED = _Meaning(PermanentError, Reason.REJECTED, "The storage at {store} rejected this object.")
_INTERRUPTED = _Meaning(TransientError, Reason.STORE_UNAVAILABLE, "The storage at {store} interrupted an upload.")
_UNAVAILABLE = _Meaning(
    BlockedError, Reason.STORE_UNAVAILABLE, "The storage at {store} can't be reached or reports an error."
)

# Each rule: a field of the answer, what it matches, and the meaning. The first rule that matches applies.
# These fields contain what they match: `url`, `message`, `writing` (the message about a request that writes) and `said`
# (`code: message`). The others match as a whole: `code`, `status`, `page` (the status of a web page) and `aborting`
# (the status of a request that aborts an upload).
_RULES: tuple[tuple[str, str, _Meaning], ...] = (
    ("url", r"169\.254\.1(69\.254|70\.2)|metadata\.google\.internal", _NO_CREDENTIALS),
    ("code", "RequestTimeTooSkewed|RequestExpired", _CLOCK),
    (
        "message",
        "request has expired|request is not valid yet|request date header too old|reasonable timeframe",
        _CLOCK,
    ),
    ("message", "specified time frame", _EXPIRED_SIGNATURE),
    ("message", "failed to authenticate the request", _WRONG_CREDENTIALS),
    ("message", r"(Content-MD5|x-amz-checksum-).* required", _NO_CHECKSUM),
    ("message", "PutObject.*explicit deny in a resource-based policy", _POLICY),
    ("said", r"^(AuthorizationHeaderMalformed|AuthorizationQueryParametersError|Invalid\w+): .*\bregion\b", _REGION),
    ("code", "(Permanent|Temporary)?Redirect|IllegalLocationConstraintException|InvalidRegionName", _REGION),
    ("code", "InvalidAccessKeyId", _UNKNOWN_KEY),
    ("code", "SignatureDoesNotMatch", _WRONG_SECRET),
    ("code", "ExpiredToken.*|InvalidToken|TokenRefreshRequired", _EXPIRED_TOKEN),
    ("code", "AllAccessDisabled|AccountProblem|(Account|Container)IsDisabled|ContainerDisabled", _DISABLED),
    ("code", "UserSuspended|UserProject.*|accountDisabled|billing.*", _DISABLED),
    ("code", "KMS.*Throttling.*|KMS.*Internal.*|KMS.*Unavailable.*", _UNAVAILABLE),
    ("code", "KMS.*|KeyVault.*", _ENCRYPTION_KEY),
    ("message", r"\bkms:\w+|\bKMS key\b", _ENCRYPTION_KEY),
    (
        "code",
        "NoSuchBucket|NoSuchContainer|Container(NotFound|BeingDeleted)|FilesystemNotFound|InvalidBucketName",
        _MISSING,
    ),
    ("message", "specified (bucket|container) does not exist", _MISSING),
    ("code", ".*(QuotaExceeded|StorageFull|CapExceeded)|quotaExceeded|Insufficient(Storage|Capacity).*", _FULL),
    ("message", "no space left|quota ?exceeded|cap ?exceeded", _FULL),
    ("code", "NoSuchKey|BlobNotFound", _GONE),
    ("code", "InvalidObjectState|BlobArchived|BlobBeingRehydrated", _ARCHIVED),
    ("writing", r"storage\.objects\.delete", _NO_OVERWRITE),
    ("code", "BlobImmutableDueToPolicy|UnauthorizedBlobOverwrite", _NO_OVERWRITE),
    ("code", "NoSuchUpload|OperationAborted|ConditionalRequestConflict", _INTERRUPTED),
    ("code", "SlowDown|ServiceUnavailable|ServerBusy|InternalError|OperationTimedOut|RequestTimeout", _UNAVAILABLE),
    ("code", "TooManyRequests.*|Throttling.*|.*(Rate)?LimitExceeded|backendError", _UNAVAILABLE),
    (
        "code",
        "AuthenticationFailed|AuthorizationHeaderMalformed|.*AuthenticationInfo.*|invalid_grant",
        _WRONG_CREDENTIALS,
    ),
    ("aborting", "403", _NOT_ABORTED),
    ("code", "AccessDenied|Authorization.*|InsufficientAccountPermissions|forbidden", _NOT_PERMITTED),
    ("page", "30.|4..", _WEB_PAGE),
    ("status", "30.", _REGION),
    ("status", "401", _WRONG_CREDENTIALS),
    ("status", "403", _NOT_PERMITTED),
    ("status", "404", _MISSING),
    ("status", "408|409|429", _UNAVAILABLE),
    ("status", "507", _FULL),
    ("status", "4..", _REJECTED),
    ("status", "501", _REJECTED),
)
_SEARCHED = ("url", "message", "writing", "said")
_COMPILED = tuple((field, re.compile(pattern, re.IGNORECASE), meaning) for field, pattern, meaning in _RULES)
_ACTIONS = {
    Access.WRITE: "write objects",
    Access.READ: "read objects",
    Access.LIST: "list objects",
    Access.DELETE: "delete objects",
    Access.ABORT: "abort uploads",
}
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "az": "AZURE_STORAGE_CONNECTION_STRING",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
# AWS and Google name the permission.
_NAMED = re.compile(r"perform: (\w+:\w+)|have (storage\.[\w.]+) access|Permission '(storage\.[\w.]+)' denied")


def named_permission(answer: Answer) -> str | None:
    """Return the permission that is missing, where the store names it."""
    match = _NAMED.search(answer.message)
    return next(filter(None, match.groups())) if match else None


def error_of(answer: Answer, *, store: str) -> ImageferryError:
    """Return the error that a store's answer means, with the store's own words at the end of its message."""
    meaning = _meaning(answer)
    sentence = meaning.sentence.format_map(_values(answer, store))
    return meaning.error(meaning.reason, f"{sentence} ({answer.text})" if answer.text else sentence)


def _meaning(answer: Answer) -> _Meaning:
    status = str(answer.status or "")
    texts = {
        "url": answer.url,
        "code": answer.code,
        "message": answer.message,
        "said": f"{answer.code}: {answer.message}",
        "status": status,
        "writing": answer.message if answer.access is Access.WRITE else "",
        "aborting": status if answer.access is Access.ABORT else "",
        "page": status if answer.is_page else "",
    }
    for field, pattern, meaning in _COMPILED:
        matches = pattern.search if field in _SEARCHED else pattern.fullmatch
        if matches(texts[field]):
            return meaning
    return _UNAVAILABLE


def _values(answer: Answer, store: str) -> dict[str, Any]:
    access = answer.access or Access.WRITE
    return {
        "store": store,
        "credentials": _CREDENTIALS.get(store.partition(":")[0], "its credentials"),
        "clock": _clock(answer.clock_off),
        "set_region": _set_region(answer.region),
        "action": _ACTIONS[access],
        "permission": named_permission(answer) or _needed(access, store=store),
    }


def _needed(access: Access, *, store: str) -> str:
    needed = permission(access, store=store)
    if access is Access.READ and store.startswith("s3:"):
        return (
            f"{needed}, and {permission(Access.LIST, store=store)}: without it, an object that is gone looks the same"
        )
    return needed


def _set_region(region: str | None) -> str:
    return f"Set AWS_REGION={region}." if region else "Set AWS_REGION to the region of the bucket."


def _clock(ahead: timedelta | None) -> str:
    if ahead is None:
        return "wrong"
    minutes = round(ahead.total_seconds() / 60)
    return f"{abs(minutes):,} minutes {'fast' if minutes > 0 else 'slow'}"
