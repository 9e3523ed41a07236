"""`imageferry import`."""

from collections.abc import Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from imageferry.bootstrap.prefork import prefork_transfer_processes
from imageferry.cli.commands.shared_options import BYTES, DAY, as_json, option, store
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.runner import console, run
from imageferry.model import JobOptions, OnChange
from imageferry.runtime import forbid_inspection
from imageferry.settings import Settings


@click.command("import")
@click.argument("url", metavar="URL")
@option(
    "--include",
    multiple=True,
    metavar="GLOB",
    help="Import only files that match, for example '*.jpg' or 'Raw/**'. Repeatable.",
)
@option("--exclude", multiple=True, metavar="GLOB", help="Skip files that match. Repeatable.")
@option("--recursive/--no-recursive", default=True, help="Include subfolders.")
@option(
    "--mime-type",
    "mime_types",
    multiple=True,
    metavar="TYPE",
    help="Import only files of this type, for example image/jpeg. Repeatable.",
)
@option("--size-min", type=BYTES, metavar="BYTES", help="Import only files of at least this size.")
@option("--size-max", type=BYTES, metavar="BYTES", help="Import only files of at most this size.")
@option("--modified-after", type=DAY, metavar="DAY", help="Import only files modified on this day (UTC) or later.")
@option("--modified-before", type=DAY, metavar="DAY", help="Import only files modified before this day (UTC).")
@option(
    "--on-change",
    type=click.Choice([str(each) for each in OnChange]),
    default=str(OnChange.REPLACE),
    help="If a stored file changed at the source: replace it with the new version, or keep the stored one.",
)
@option(
    "--priority",
    type=click.IntRange(-10, 10),
    default=0,
    metavar="N",
    help="Jobs with a higher priority are served first where jobs share workers.",
)
@option("--webhook-url", metavar="URL", help="Notify this URL when the import has finished.")
@option(
    "--concurrency",
    type=click.IntRange(1, 1024),
    metavar="N",
    envvar="IMAGEFERRY_CONCURRENCY",
    help="Files to transfer at once. [default: 32]",
)
@store
@option("--dry-run", is_flag=True, help="Show what would be imported, without importing it.")
@option(
    "--manifest",
    "manifest_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="When finished, write a record of every file here: ID, storage key, size, checksum and result. "
    "CSV if the name ends in .csv, else JSON Lines.",
)
@as_json
def import_(
    *,
    url: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    recursive: bool,
    mime_types: tuple[str, ...],
    size_min: int | None,
    size_max: int | None,
    modified_after: datetime | None,
    modified_before: datetime | None,
    on_change: str,
    priority: int,
    webhook_url: str | None,
    concurrency: int | None,
    store: str | None,
    dry_run: bool,
    manifest_path: Path | None,
    as_json: bool,
) -> None:
    """Import a folder: copy every image into the storage, verify it and add it to the catalog.

    URL is the link of a Google Drive folder, or its ID.

    Run the same command again to continue an import that was interrupted, or to import only new and changed files
    after one that finished. Ctrl-C stops cleanly.
    """
    options = JobOptions(
        recursive=recursive,
        include=include,
        exclude=exclude,
        mime_types=mime_types,
        size_bytes_min=size_min,
        size_bytes_max=size_max,
        modified_after=modified_after and modified_after.date(),
        modified_before=modified_before and modified_before.date(),
        on_change=OnChange(on_change),
    )
    if dry_run:
        work = partial(_plan, url=url, options=options, as_json=as_json)
    else:
        work = partial(
            _import,
            url=url,
            options=options,
            priority=priority,
            webhook_url=webhook_url,
            manifest_path=manifest_path,
            as_json=as_json,
        )
    run(work, as_json=as_json, store_url=store, concurrency=concurrency)


def _import(
    settings: Settings,
    *,
    url: str,
    options: JobOptions,
    priority: int,
    webhook_url: str | None,
    manifest_path: Path | None,
    as_json: bool,
) -> Coroutine[Any, Any, ExitCode]:
    forbid_inspection()
    preforked = prefork_transfer_processes(settings)
    # Imported only now, so that the transfer processes start without it.
    from imageferry.cli.handlers.import_ import import_and_report  # noqa: PLC0415 - see above

    return import_and_report(
        url,
        settings=settings,
        options=options,
        priority=priority,
        webhook_url=webhook_url,
        manifest_path=manifest_path,
        preforked=preforked,
        console=console,
        as_json=as_json,
    )


async def _plan(settings: Settings, *, url: str, options: JobOptions, as_json: bool) -> ExitCode:
    from imageferry.cli.handlers.import_ import plan_and_report  # noqa: PLC0415 - see `_import`

    return await plan_and_report(url, settings=settings, options=options, console=console, as_json=as_json)
