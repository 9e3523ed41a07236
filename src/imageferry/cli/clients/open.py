"""Which desks commands ask: those of the gateway that the settings name, else those over this machine's catalog."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from imageferry.settings import Settings

if TYPE_CHECKING:
    from imageferry.cli.clients.images import ImageDesk
    from imageferry.cli.clients.jobs import Desk


@asynccontextmanager
async def open_desk(settings: Settings) -> "AsyncIterator[Desk]":
    """For jobs."""
    if settings.server_url is not None:
        from imageferry.cli.clients.http_api import open_calls  # noqa: PLC0415 - the HTTP client is for this alone
        from imageferry.cli.clients.remote_jobs import RemoteDesk  # noqa: PLC0415 - the same

        async with open_calls(settings.server_url, token=settings.api_token) as calls:
            yield RemoteDesk(calls)
        return
    from imageferry.bootstrap.components import open_catalog  # noqa: PLC0415 - SQL is not needed to ask a gateway
    from imageferry.cli.clients.local_jobs import LocalDesk  # noqa: PLC0415 - the same

    async with open_catalog(settings) as catalog:
        yield LocalDesk(catalog)


@asynccontextmanager
async def open_image_desk(settings: Settings) -> "AsyncIterator[ImageDesk]":
    """For images, with their store."""
    if settings.server_url is not None:
        from imageferry.cli.clients.http_api import open_calls  # noqa: PLC0415 - the HTTP client is for this alone
        from imageferry.cli.clients.remote_images import RemoteImages  # noqa: PLC0415 - the same

        async with open_calls(settings.server_url, token=settings.api_token) as calls:
            yield RemoteImages(calls)
        return
    from imageferry.cli.clients.local_images import LocalImages  # noqa: PLC0415 - the stores are not needed to ask a gateway

    yield LocalImages(settings)
