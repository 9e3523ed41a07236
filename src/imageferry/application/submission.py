"""Check a request to import a folder, and submit it as a job."""

from imageferry.bootstrap.components import Components
from imageferry.catalog.jobs.idempotency_keys import RequestKey
from imageferry.model import FolderRef, Job, JobOptions
from imageferry.pipeline.submit import submit
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


async def submit_import(
    folder_ref: FolderRef,
    *,
    components: Components,
    options: JobOptions,
    folder_name: str | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
    request_key: RequestKey | None = None,
) -> tuple[Job, bool]:
    """Write the job to the catalog; return it, and whether it is new. See `pipeline.submit.submit`."""
    return await submit(
        folder_ref,
        catalog=components.catalog,
        store_url=components.store.url,
        options=options,
        folder_name=folder_name,
        priority=priority,
        webhook_url=webhook_url,
        request_key=request_key,
    )
