"""What a webhook's URL must be."""

from collections.abc import Collection

from yarl import URL

from imageferry.errors import Reason, UsageError
from imageferry.webhooks.addresses import is_open_to

LENGTH_MAX = 2048


def checked(text: str, *, private_hosts: Collection[str] = ()) -> URL:
    """The URL, if a webhook may be sent there as far as its spelling tells.

    Raises UsageError. What its host's name leads to is looked at when it is sent: that may change until then.
    """
    try:
        url = URL(text)
        host = url.host or ""
        port = url.port
    except ValueError:
        raise _unusable("it cannot be read") from None
    private = host in private_hosts
    if len(text) > LENGTH_MAX:
        raise _unusable(f"it is longer than {LENGTH_MAX:,} characters")
    if url.scheme != "https" and not (private and url.scheme == "http"):
        raise _unusable("it must begin with https://")
    if not host or port is None or url.user is not None or url.password is not None:
        raise _unusable("it must name a host, and neither a user nor a password")
    if not private and not _may_be_public(host):
        raise _unusable(
            "it leads into a private network; IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS names hosts there that may be told"
        )
    return url


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return is_open_to(host, private=False)
    except ValueError:
        return True  # a name


def _unusable(why: str) -> UsageError:
    return UsageError(Reason.MISCONFIGURED, f"This is no URL that a webhook can be sent to: {why}.")
