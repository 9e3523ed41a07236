"""`imageferry import`."""

from collections.abc import Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from imageferry.bootstrap.prefork import movers_ahead
from imageferry.cli.commands.shared_options import BYTES, DAY, as_json, option, store
from imageferry.cli.exit_codes import Exit
from imageferry.cli.runner import people, run
from imageferry.model import JobOptions, OnChange
from imageferry.settings import Settings


@click.command("import")
@click.argument("url", metavar="URL")
@option(
    "--include",
    multiple=True,
    metavar="GLOB",
    help="Import only files that match, as '*.jpg' or 'Raw/**'. May be given again.",
)
@option("--exclude", multiple=True, metavar="GLOB", help="Leave out files that match. May be given again.")
@option("--recursive/--no-recursive", default=True, help="Import sub-folders too.")
@option(
    "--mime-type",
    "mime_types",
    multiple=True,
    metavar="TYPE",
    help="Import only this type, as image/jpeg. May be given again.",
)
@option("--size-min", type=BYTES, metavar="BYTES", help="Import only files of so many bytes or more.")
@option("--size-max", type=BYTES, metavar="BYTES", help="Import only files of so many bytes or fewer.")
@option("--modified-after", type=DAY, metavar="DAY", help="Import only files changed on this day (UTC) or later.")
@option("--modified-before", type=DAY, metavar="DAY", help="Import only files changed before this day (UTC).")
@option(
    "--on-change",
    type=click.Choice([str(each) for each in OnChange]),
    default=str(OnChange.REPLACE),
    help="A stored file that changed at the source: bring the new one, or keep ours.",
)
@option(
    "--priority",
    type=click.IntRange(-10, 10),
    default=0,
    metavar="N",
    help="Higher ones are served first where jobs share workers.",
)
@option("--webhook-url", metavar="URL", help="Tell this URL of the end.")
@option(
    "--concurrency",
    type=click.IntRange(1, 1024),
    metavar="N",
    envvar="IMAGEFERRY_CONCURRENCY",
    help="Files at once. [default: 32]",
)
@store
@option("--dry-run", is_flag=True, help="Show the plan; move no byte and start no job.")
@option(
    "--manifest",
    "manifest_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the receipt here at the end: id, key, size, digest and outcome of each file, "
    "as JSON Lines, or as CSV when the name ends in .csv.",
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
    """Import a folder: list it, bring every image into the store, verify it, record it.

    URL is a Google Drive folder's link, of any shape, or its ID.

    The same command again goes on where it was cut off; once all is stored it moves only what is new or
    changed. Ctrl-C stops cleanly.
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
        begin = partial(_import, url=url, options=options, priority=priority, webhook_url=webhook_url)
        work = partial(begin, manifest_path=manifest_path, as_json=as_json)
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
) -> Coroutine[Any, Any, Exit]:
    ahead = movers_ahead(settings)
    from imageferry.cli.handlers.import_output import bring  # noqa: PLC0415 - movers need nothing of it

    return bring(
        url,
        settings=settings,
        options=options,
        priority=priority,
        webhook_url=webhook_url,
        manifest_path=manifest_path,
        ahead=ahead,
        people=people,
        as_json=as_json,
    )


async def _plan(settings: Settings, *, url: str, options: JobOptions, as_json: bool) -> Exit:
    from imageferry.cli.handlers.import_output import show_plan  # noqa: PLC0415 - the same

    return await show_plan(url, settings=settings, options=options, people=people, as_json=as_json)
