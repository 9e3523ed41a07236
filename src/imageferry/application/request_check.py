"""Check a request to import a folder, before anything is fetched or written."""

from imageferry.model import FolderRef
from imageferry.settings import Settings
from imageferry.sources.registry import parse_folder_url


def check_request(url: str, *, webhook_url: str | None, settings: Settings) -> FolderRef:
    """Return the folder that a URL names. Nothing is fetched.

    Raise UsageError when the URL names no folder, or when no webhook can be sent to `webhook_url`.
    """
    folder_ref = parse_folder_url(url)
    if webhook_url is not None:
        from imageferry.webhooks.urls import validate_url  # noqa: PLC0415 - few imports have a webhook

        validate_url(webhook_url, private_hosts=settings.webhook_private_hosts)
    return folder_ref
