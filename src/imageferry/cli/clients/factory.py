"""The client that the settings ask for: of the local catalog, or of a remote gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from imageferry.settings import Settings

if TYPE_CHECKING:
    from imageferry.cli.clients.images import ImagesClient
    from imageferry.cli.clients.jobs import JobsClient


@asynccontextmanager
async def open_jobs_client(settings: Settings) -> "AsyncIterator[JobsClient]":
    """Open the jobs of the gateway that the settings name, or else of the local catalog."""
    if settings.server_url is not None:
        # Each branch imports only what it needs: SQL is slow to import, and so is the HTTP client.
        from imageferry.cli.clients.remote_jobs import open_remote_jobs  # noqa: PLC0415 - see above

        async with open_remote_jobs(settings.server_url, token=settings.api_token) as remote:
            yield remote
        return
    from imageferry.cli.clients.local_jobs import open_local_jobs  # noqa: PLC0415 - see above

    async with open_local_jobs(settings) as local:
        yield local


@asynccontextmanager
async def open_images_client(settings: Settings) -> "AsyncIterator[ImagesClient]":
    """Open the images of the gateway that the settings name, or else of the local catalog."""
    if settings.server_url is not None:
        # Each branch imports only what it needs: the stores are slow to import.
        from imageferry.cli.clients.remote_images import open_remote_images  # noqa: PLC0415 - see above

        async with open_remote_images(settings.server_url, token=settings.api_token) as remote:
            yield remote
        return
    from imageferry.cli.clients.local_images import open_local_images  # noqa: PLC0415 - see above

    async with open_local_images(settings) as local:
        yield local
