"""The commands that look into the catalog: `jobs`, `manifest`, `migrate`."""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Column, Table

from imageferry.bootstrap import open_catalog
from imageferry.catalog import jobs, manifest
from imageferry.catalog.session import Tx
from imageferry.cli import wording
from imageferry.cli.answer import answer
from imageferry.cli.exits import Exit
from imageferry.cli.report import job_as_json
from imageferry.errors import NotFoundError, Reason
from imageferry.settings import Settings


async def list_jobs(settings: Settings, *, limit: int, as_json: bool) -> Exit:
    """Print the latest jobs, the newest first."""
    async with open_catalog(settings) as catalog:
        latest = await catalog.read(lambda tx: jobs.latest(tx, limit=limit))
    if as_json:
        answer({"jobs": [job_as_json(job) for job in latest]})
        return Exit.DONE
    table = Table(
        Column("job", no_wrap=True, min_width=36),
        "folder",
        "state",
        "files",
        "stored",
        "skipped",
        "failed",
        "bytes",
        box=None,
    )
    for job in latest:
        counts = (wording.listed(job), f"{job.stored:,}", f"{job.skipped:,}", f"{job.failed:,}")
        table.add_row(job.id, job.folder_name or job.folder_id, job.state, *counts, wording.size(job.bytes_stored))
    width = None if sys.stdout.isatty() else 200  # nothing is cut off where no screen bounds it
    Console(width=width).print(
        table if latest else "No jobs yet: start one with imageferry import URL.", soft_wrap=True
    )
    return Exit.DONE


async def print_manifest(settings: Settings, *, job_id: str, csv: bool) -> Exit:
    """Print the receipt of a job."""

    def write(tx: Tx) -> bool:
        if jobs.get(tx, job_id) is None:
            return False
        form = manifest.as_csv if csv else manifest.as_jsonl
        sys.stdout.buffer.writelines(form(manifest.entries(tx, job_id=job_id)))
        return True

    async with open_catalog(settings) as catalog:
        if not await catalog.read(write):
            raise NotFoundError(Reason.GONE, f"There is no job {job_id}: `imageferry jobs` lists them.")
    return Exit.DONE


async def migrate_catalog(settings: Settings, *, say: Callable[[str], None]) -> Exit:
    """Bring the catalog's schema up to date."""
    async with open_catalog(settings):
        say("The catalog is up to date.")
    return Exit.DONE
