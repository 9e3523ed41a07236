"""The public Python API, exported by the package `imageferry`."""

import sys
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from imageferry.application.import_job import run_import
from imageferry.application.results import ImportResult
from imageferry.model import Job, JobOptions
from imageferry.settings import Settings
from imageferry.telemetry.logs import configure_logging


async def import_folder(
    url: str,
    *,
    store: str | None = None,
    options: JobOptions | None = None,
    settings: Settings | None = None,
    on_progress: Callable[[Job], None] | None = None,
    manifest: Path | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
) -> ImportResult:
    """Import all images of a folder into the store, and return once the job has finished or can't continue.

    Args:
        url: Link or ID of a Google Drive folder.
        store: URL or local folder to copy the images to. Default: STORE_URL.
        options: Which files to import. Default: all images, including those in subfolders.
        settings: Default: `Settings.load()`, which reads the environment and a `.env` file like the command line.
        on_progress: Called with the job's current state several times a second; must return quickly.
        manifest: File to write a record of every file to: CSV if its name ends in `.csv`, else JSON Lines.
        priority: Jobs with a higher priority are served first where jobs share workers.
        webhook_url: URL to notify when the job has finished.

    Returns:
        The job with its counts, and the failures and skips by reason. Files that failed raise no error.

    Raises:
        ImageferryError: The URL, the folder, the store, the catalog or a setting is not usable. Nothing was imported.

    The import is resumable: if the task is cancelled, the process dies or the source stays unavailable, call
    this again with the same URL, store and options. Images that are stored already are not transferred again.

    Example:
        >>> import asyncio, imageferry
        >>> url = "https://drive.google.com/drive/folders/..."
        >>> result = asyncio.run(imageferry.import_folder(url, store="/srv/photos"))  # doctest: +SKIP
        >>> print(f"{result.job.stored} stored, {result.job.failed} failed")  # doctest: +SKIP
    """
    if settings is None:
        settings = Settings.load(store_url=store)
    elif store is not None:
        settings = replace(settings, store_url=store)
    _configure_logging(settings)
    return await run_import(
        url,
        settings=settings,
        options=options or JobOptions(),
        on_progress=on_progress,
        manifest_path=manifest,
        priority=priority,
        webhook_url=webhook_url,
    )


def _configure_logging(settings: Settings) -> None:
    """Log like the command line does, unless the program has configured structlog itself."""
    structlog = sys.modules.get("structlog")
    if structlog is None or not structlog.is_configured():
        configure_logging(level=settings.log_level, form=settings.log_format)
