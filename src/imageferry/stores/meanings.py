"""What a store's refusals can mean: the kind of error, its reason, and the sentence for people."""

from typing import NamedTuple

from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    NotPermittedError,
    PermanentError,
    Reason,
    TransientError,
)


class Meaning(NamedTuple):
    """What a refusal means. `sentence` has fields in braces, which `refusals.error_of` fills in."""

    error: type[ImageferryError]
    reason: Reason
    sentence: str


CLOCK = Meaning(
    BlockedError,
    Reason.CLOCK_WRONG,
    "This machine's clock is {clock}, so the storage at {store} refuses its requests. Set the clock (use NTP).",
)
REGION = Meaning(BlockedError, Reason.MISCONFIGURED, "The bucket of {store} is in another region. {set_region}")
WEB_PAGE = Meaning(
    BlockedError,
    Reason.MISCONFIGURED,
    "A web page answered instead of the storage at {store}. Check the storage's address, and that no proxy answers.",
)
NO_CREDENTIALS = Meaning(BlockedError, Reason.STORE_DENIED, "No credentials for {store} were found. Set {credentials}.")
UNKNOWN_KEY = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The storage at {store} doesn't know this access key. Check AWS_ACCESS_KEY_ID, and AWS_ENDPOINT_URL if the storage "
    "is not Amazon's.",
)
WRONG_SECRET = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The secret key for {store} doesn't match its access key. Check AWS_SECRET_ACCESS_KEY.",
)
EXPIRED_TOKEN = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The temporary credentials for {store} have expired or are not valid. Get new ones; AWS_SESSION_TOKEN belongs to "
    "its AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
)
EXPIRED_SIGNATURE = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The shared access signature for {store} has expired or is not valid yet. Set a new one in "
    "AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_TOKEN.",
)
WRONG_CREDENTIALS = Meaning(
    BlockedError, Reason.STORE_DENIED, "The storage at {store} doesn't accept the credentials. Check {credentials}."
)
FIREWALL = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The storage at {store} doesn't accept requests from this machine, or of this kind. Check the firewall and "
    "network rules of the storage.",
)
DISABLED = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The account of {store} is disabled, or its billing is. Check it at the storage's provider.",
)
ENCRYPTION_KEY = Meaning(
    NotPermittedError,
    Reason.STORE_DENIED,
    "The encryption key of {store} can't be used. Check that the key is enabled, and that the credentials may use it "
    "(kms:GenerateDataKey to write, kms:Decrypt to read).",
)
NOT_ABORTED = Meaning(
    BlockedError,
    Reason.STORE_UNAVAILABLE,
    "An upload to {store} failed for a reason that was lost, because it could not be aborted. Grant {permission}.",
)
NOT_PERMITTED = Meaning(
    NotPermittedError,
    Reason.STORE_DENIED,
    "The credentials for {store} are not permitted to {action}. Grant them {permission}.",
)
POLICY = Meaning(
    BlockedError,
    Reason.STORE_DENIED,
    "The policy of {store} refuses new objects. If it requires encryption, an access control list or a storage class, "
    "set AWS_SERVER_SIDE_ENCRYPTION, AWS_DEFAULT_ACL or IMAGEFERRY_STORAGE_CLASS.",
)
NO_CHECKSUM = Meaning(
    BlockedError,
    Reason.MISCONFIGURED,
    "The bucket of {store} requires a checksum with each part of a large file, as Object Lock does. Set "
    "AWS_CHECKSUM_ALGORITHM=SHA256.",
)
NO_OVERWRITE = Meaning(
    PermanentError,
    Reason.STORE_DENIED,
    "The storage at {store} has an object under this key already, and doesn't permit it to be overwritten.",
)
MISSING = Meaning(
    BlockedError,
    Reason.STORE_MISSING,
    "The storage at {store} does not exist. Create the bucket or container, or change STORE_URL.",
)
FULL = Meaning(
    BlockedError,
    Reason.STORE_FULL,
    "The storage at {store} is full, or its quota is used up. Free some space, or point STORE_URL to other storage.",
)
ARCHIVED = Meaning(
    PermanentError,
    Reason.ARCHIVED,
    "The object is archived, so {store} can't return it. Restore it in the storage first.",
)
GONE = Meaning(NotFoundError, Reason.GONE, "The object is no longer in the storage at {store}.")
REJECTED = Meaning(PermanentError, Reason.REJECTED, "The storage at {store} rejected this object.")
INTERRUPTED = Meaning(TransientError, Reason.STORE_UNAVAILABLE, "The storage at {store} interrupted an upload.")
UNAVAILABLE = Meaning(
    BlockedError, Reason.STORE_UNAVAILABLE, "The storage at {store} can't be reached or reports an error."
)
