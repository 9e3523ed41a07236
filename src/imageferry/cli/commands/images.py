"""`imageferry images`."""

from datetime import datetime
from functools import partial
from pathlib import Path

import click

from imageferry.catalog.search.filters import Sort
from imageferry.cli.commands.shared_options import BYTES, DAY, as_json, option, server
from imageferry.cli.handlers.download_images import download_images
from imageferry.cli.handlers.images import ImageSelection, delete_images, list_images
from imageferry.cli.runner import console, run_with_images


@click.command()
@click.argument("q", metavar="[WORDS]", required=False)
@option(
    "--id",
    "ids",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="ID",
    help="Select this image; not with other conditions. Repeatable.",
)
@option("--type", "mime_types", multiple=True, metavar="TYPE", help="MIME type, such as image/jpeg. Repeatable.")
@option("--folder", metavar="ID", help="ID of the folder that contains the image.")
@option("--job", metavar="ID", help="Job that last stored the image.")
@option("--camera", metavar="NAME", help="Camera.")
@option("--taken-from", type=DAY, metavar="DAY", help="Taken on this day or later.")
@option("--taken-to", type=DAY, metavar="DAY", help="Taken on this day or earlier.")
@option("--size-min", type=BYTES, metavar="BYTES", help="Minimum size.")
@option("--size-max", type=BYTES, metavar="BYTES", help="Maximum size.")
@option("--has-location/--no-location", default=None, help="With or without a known location.")
@option(
    "--sort",
    type=click.Choice([str(sort) for sort in Sort]),
    default=str(Sort.CREATED),
    help="Sort order. `date` is the day taken, or the day stored if that is unknown; `-` means descending.",
)
@option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Maximum number of images. [default: list 20, download all]",
)
@option("--cursor", metavar="CURSOR", help="Continue after an earlier list with the same conditions: its `next`.")
@option("--delete", is_flag=True, help="Delete all matching images from the catalog and the storage.")
@option(
    "--download",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the original files of all matching images as one ZIP archive.",
)
@option("--yes", "confirmed", is_flag=True, help="Delete without asking for confirmation.")
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
    has_location: bool | None,
    sort: str,
    limit: int | None,
    cursor: str | None,
    delete: bool,
    download: Path | None,
    confirmed: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """List, download or delete images.

    WORDS are words in the name; the last one may be a prefix. All conditions must match.
    """
    conditions: dict[str, object] = {
        "q": q,
        "mime_type": list(mime_types),
        "folder_id": folder,
        "job_id": job,
        "camera": camera,
        "taken_from": taken_from and taken_from.date().isoformat(),
        "taken_to": taken_to and taken_to.date().isoformat(),
        "size_min": size_min,
        "size_max": size_max,
        "has_location": has_location,
    }
    selection = ImageSelection(ids=ids, conditions=conditions, sort=Sort(sort), limit=limit, cursor=cursor)
    if delete:
        work = partial(delete_images, selection=selection, confirmed=confirmed, console=console, as_json=as_json)
    elif download is not None:
        work = partial(download_images, selection=selection, path=download, console=console)
    else:
        work = partial(list_images, selection=selection, as_json=as_json)
    run_with_images(work, as_json=as_json, server=server)
