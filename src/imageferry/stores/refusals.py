"""What a store's refusal means: one table for all stores, and for both ways of sending a request to them."""

import re
from datetime import timedelta
from typing import Any

from imageferry.errors import ImageferryError
from imageferry.stores import meanings
from imageferry.stores.answers import Answer
from imageferry.stores.meanings import Meaning
from imageferry.stores.permissions import Access, permission

# Each rule: a field of the answer, what it matches, and the meaning. The first rule that matches applies.
# These fields contain what they match: `url`, `message`, `writing` (the message about a request that writes) and `said`
# (`code: message`). The others match as a whole: `code`, `status`, `page` (the status of a web page), `aborting` and
# `reading` (the status of a request that aborts an upload, or reads).
_RULES: tuple[tuple[str, str, Meaning], ...] = (
    ("url", r"169\.254\.1(69\.254|70\.2)|metadata\.google\.internal", meanings.NO_CREDENTIALS),
    ("code", "RequestTimeTooSkewed|RequestExpired", meanings.CLOCK),
    (
        "message",
        "request has expired|request is not valid yet|request date header too old|reasonable timeframe",
        meanings.CLOCK,
    ),
    ("message", "specified time frame", meanings.EXPIRED_SIGNATURE),
    ("message", "failed to authenticate the request", meanings.WRONG_CREDENTIALS),
    ("message", r"(Content-MD5|x-amz-checksum-).* required", meanings.NO_CHECKSUM),
    ("message", "PutObject.*explicit deny in a resource-based policy", meanings.POLICY),
    (
        "said",
        r"^(AuthorizationHeaderMalformed|AuthorizationQueryParametersError|Invalid\w+): .*\bregion\b",
        meanings.REGION,
    ),
    ("code", "(Permanent|Temporary)?Redirect|IllegalLocationConstraintException|InvalidRegionName", meanings.REGION),
    ("code", "InvalidAccessKeyId", meanings.UNKNOWN_KEY),
    ("code", "SignatureDoesNotMatch", meanings.WRONG_SECRET),
    ("code", "ExpiredToken.*|InvalidToken|TokenRefreshRequired", meanings.EXPIRED_TOKEN),
    ("code", "AllAccessDisabled|AccountProblem|(Account|Container)IsDisabled|ContainerDisabled", meanings.DISABLED),
    ("code", "UserSuspended|UserProject.*|accountDisabled|billing.*", meanings.DISABLED),
    ("code", "KMS.*Throttling.*|KMS.*Internal.*|KMS.*Unavailable.*", meanings.UNAVAILABLE),
    ("code", "KMS.*|KeyVault.*", meanings.ENCRYPTION_KEY),
    ("message", r"\bkms:\w+|\bKMS key\b", meanings.ENCRYPTION_KEY),
    (
        "code",
        "NoSuchBucket|NoSuchContainer|Container(NotFound|BeingDeleted)|FilesystemNotFound|InvalidBucketName",
        meanings.MISSING,
    ),
    ("message", "specified (bucket|container) does not exist", meanings.MISSING),
    ("code", ".*(QuotaExceeded|StorageFull|CapExceeded)|quotaExceeded|Insufficient(Storage|Capacity).*", meanings.FULL),
    ("message", "no space left|quota ?exceeded|cap ?exceeded", meanings.FULL),
    ("code", "NoSuchKey|BlobNotFound", meanings.GONE),
    ("code", "InvalidObjectState|BlobArchived|BlobBeingRehydrated", meanings.ARCHIVED),
    ("writing", r"storage\.objects\.delete", meanings.NO_OVERWRITE),
    ("code", "BlobImmutableDueToPolicy|UnauthorizedBlobOverwrite", meanings.NO_OVERWRITE),
    ("code", "NoSuchUpload|OperationAborted|ConditionalRequestConflict", meanings.INTERRUPTED),
    (
        "code",
        "SlowDown|ServiceUnavailable|ServerBusy|InternalError|OperationTimedOut|RequestTimeout",
        meanings.UNAVAILABLE,
    ),
    ("code", "TooManyRequests.*|Throttling.*|.*(Rate)?LimitExceeded|backendError", meanings.UNAVAILABLE),
    (
        "code",
        "AuthenticationFailed|AuthorizationHeaderMalformed|.*AuthenticationInfo.*|invalid_grant",
        meanings.WRONG_CREDENTIALS,
    ),
    ("aborting", "403", meanings.NOT_ABORTED),
    (
        "code",
        "AuthorizationFailure|Authorization(SourceIP|Protocol|Service)Mismatch|PublicAccessNotPermitted",
        meanings.FIREWALL,
    ),
    ("said", r"^InvalidArgument: .*\b(credential|access key)\b", meanings.WRONG_CREDENTIALS),
    ("code", "AccessDenied|Authorization.*|InsufficientAccountPermissions|forbidden", meanings.NOT_PERMITTED),
    ("page", "30.|4..", meanings.WEB_PAGE),
    ("status", "30.", meanings.REGION),
    ("status", "401", meanings.WRONG_CREDENTIALS),
    ("status", "403", meanings.NOT_PERMITTED),
    ("reading", "404", meanings.GONE),
    ("status", "404", meanings.MISSING),
    ("status", "408|409|429", meanings.UNAVAILABLE),
    ("status", "507", meanings.FULL),
    ("status", "4..", meanings.REJECTED),
    ("status", "501", meanings.REJECTED),
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


def _meaning(answer: Answer) -> Meaning:
    status = str(answer.status or "")
    texts = {
        "url": answer.url,
        "code": answer.code,
        "message": answer.message,
        "said": f"{answer.code}: {answer.message}",
        "status": status,
        "writing": answer.message if answer.access is Access.WRITE else "",
        "aborting": status if answer.access is Access.ABORT else "",
        "reading": status if answer.access is Access.READ else "",
        "page": status if answer.is_page else "",
    }
    for field, pattern, meaning in _COMPILED:
        matches = pattern.search if field in _SEARCHED else pattern.fullmatch
        if matches(texts[field]):
            return meaning
    return meanings.UNAVAILABLE


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
