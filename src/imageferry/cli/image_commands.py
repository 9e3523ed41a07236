"""The command for images, of this machine's catalog or of a gateway elsewhere."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from imageferry.catalog.filters import Sort
from imageferry.cli.job_commands import Server
from imageferry.cli.running import people, run

LIMIT_MAX = 1000

app = typer.Typer()

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY", show_default=False)]
Text = Annotated[str | None, typer.Option(show_default=False)]
Bytes = Annotated[int | None, typer.Option(min=0, metavar="BYTES", show_default=False)]


@app.command()
def images(
    q: Annotated[
        str | None,
        typer.Argument(metavar="WORDS", help="Words of the name; the last may be only begun.", show_default=False),
    ] = None,
    *,
    ids: Annotated[
        list[int] | None,
        typer.Option("--id", min=1, metavar="ID", help="This image, and no conditions. May be given again."),
    ] = None,
    mime_type: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="As image/jpeg. May be given again.")
    ] = None,
    folder: Annotated[str | None, typer.Option(metavar="ID", help="Of this folder.", show_default=False)] = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="Stored by this job last.", show_default=False)] = None,
    camera: Annotated[str | None, typer.Option(metavar="NAME", show_default=False)] = None,
    taken_from: Day = None,
    taken_to: Day = None,
    size_min: Bytes = None,
    size_max: Bytes = None,
    located: Annotated[
        bool | None, typer.Option("--located/--not-located", help="Whether the place is known.", show_default=False)
    ] = None,
    sort: Annotated[
        Sort, typer.Option(help="The order; `shown` is by the day it was taken, else stored.")
    ] = Sort.CREATED,
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="So many are listed.")] = 20,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete all that are meant, with their objects, instead of listing some.")
    ] = False,
    download: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Save the originals as one ZIP, instead of listing them.", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.")] = False,
) -> None:
    """List images, download them, or delete them."""
    from imageferry.cli import image_viewing as viewing  # noqa: PLC0415 - only this command needs it

    conditions: dict[str, object] = {
        "q": q,
        "mime_type": mime_type or [],
        "folder_id": folder,
        "job_id": job,
        "camera": camera,
        "taken_from": taken_from and taken_from.date(),
        "taken_to": taken_to and taken_to.date(),
        "size_min": size_min,
        "size_max": size_max,
        "located": located,
    }
    meant = viewing.Meant(ids=tuple(ids or ()), conditions=conditions, sort=sort, limit=limit)
    if delete:
        work = partial(viewing.delete_images, meant=meant, yes=yes, people=people, as_json=as_json)
    elif download is not None:
        work = partial(viewing.download_images, meant=meant, path=download, people=people)
    else:
        work = partial(viewing.list_images, meant=meant, as_json=as_json)
    run(work, as_json=as_json, server_url=server)
