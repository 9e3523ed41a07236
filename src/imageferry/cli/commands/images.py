"""`imageferry images`: of this machine's catalog or of a gateway elsewhere."""

from datetime import datetime
from functools import partial
from pathlib import Path

import click

from imageferry.catalog.search.filters import Sort
from imageferry.cli.commands.shared_options import BYTES, DAY, as_json, option, server
from imageferry.cli.handlers import images as viewing
from imageferry.cli.runner import people, run

LIMIT_MAX = 1000


@click.command()
@click.argument("q", metavar="[WORDS]", required=False)
@option(
    "--id",
    "ids",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="ID",
    help="This image, and no conditions. May be given again.",
)
@option("--type", "mime_types", multiple=True, metavar="TYPE", help="As image/jpeg. May be given again.")
@option("--folder", metavar="ID", help="Of this folder.")
@option("--job", metavar="ID", help="Stored by this job last.")
@option("--camera", metavar="NAME", help="Taken by this camera.")
@option("--taken-from", type=DAY, metavar="DAY", help="Taken on this day or later.")
@option("--taken-to", type=DAY, metavar="DAY", help="Taken on this day or before.")
@option("--size-min", type=BYTES, metavar="BYTES", help="Of so many bytes or more.")
@option("--size-max", type=BYTES, metavar="BYTES", help="Of so many bytes or fewer.")
@option("--located/--not-located", default=None, help="Whether the place is known.")
@option(
    "--sort",
    type=click.Choice([str(each) for each in Sort]),
    default=str(Sort.CREATED),
    help="The order; `shown` is by the day it was taken, else stored.",
)
@option("--limit", type=click.IntRange(1, LIMIT_MAX), default=20, metavar="N", help="So many are listed.")
@option("--delete", is_flag=True, help="Delete all that are meant, with their objects, instead of listing some.")
@option(
    "--download",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the originals as one ZIP, instead of listing them.",
)
@option("--yes", is_flag=True, help="Delete without asking.")
@server
@as_json
def images(
    *,
    q: str | None,
    ids: tuple[int, ...],
    mime_types: tuple[str, ...],
    folder: str | None,
    job: str | None,
    camera: str | None,
    taken_from: datetime | None,
    taken_to: datetime | None,
    size_min: int | None,
    size_max: int | None,
    located: bool | None,
    sort: str,
    limit: int,
    delete: bool,
    download: Path | None,
    yes: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """List images, download them, or delete them.

    WORDS are of the name; the last may be only begun.
    """
    conditions: dict[str, object] = {
        "q": q,
        "mime_type": list(mime_types),
        "folder_id": folder,
        "job_id": job,
        "camera": camera,
        "taken_from": taken_from and taken_from.date(),
        "taken_to": taken_to and taken_to.date(),
        "size_min": size_min,
        "size_max": size_max,
        "located": located,
    }
    meant = viewing.Meant(ids=ids, conditions=conditions, sort=Sort(sort), limit=limit)
    if delete:
        work = partial(viewing.delete_images, meant=meant, yes=yes, people=people, as_json=as_json)
    elif download is not None:
        work = partial(viewing.download_images, meant=meant, path=download, people=people)
    else:
        work = partial(viewing.list_images, meant=meant, as_json=as_json)
    run(work, as_json=as_json, server_url=server)
