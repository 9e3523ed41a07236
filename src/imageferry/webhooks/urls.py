"""Validation of webhook URLs."""

from collections.abc import Collection

from yarl import URL

from imageferry.errors import Reason, UsageError
from imageferry.webhooks.addresses import is_allowed

LENGTH_MAX = 2048


def validate_url(text: str, *, private_hosts: Collection[str] = ()) -> URL:
    """Return the URL if its text permits sending a webhook there. Raise UsageError otherwise.

    The address that its host name resolves to is checked when a message is sent: it may change until then.
    """
    try:
        url = URL(text)
        host = url.host or ""
        port = url.port
    except ValueError:
        raise _invalid("it can't be parsed") from None
    is_private_host = host in private_hosts
    if len(text) > LENGTH_MAX:
        raise _invalid(f"it is longer than {LENGTH_MAX:,} characters")
    if url.scheme != "https" and not (is_private_host and url.scheme == "http"):
        raise _invalid("it must start with https://")
    if not host or port is None or url.user is not None or url.password is not None:
        raise _invalid("it must have a host, and neither a user nor a password")
    if not is_private_host and not _may_be_public(host):
        raise _invalid("it points to a private network; to allow its host, add it to IMAGEFERRY_WEBHOOK_PRIVATE_HOSTS")
    return url


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return is_allowed(host, allow_private=False)
    except ValueError:
        return True  # a host name


def _invalid(why: str) -> UsageError:
    return UsageError(Reason.MISCONFIGURED, f"The webhook URL can't be used: {why}.")
