"""Images listed, or deleted with their objects, wherever they are."""

import sys

from pydantic import ValidationError
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Column, Table

from imageferry.catalog.filters import Sort
from imageferry.catalog.listing import Total
from imageferry.cli import wording
from imageferry.cli.answer import answer
from imageferry.cli.exits import Exit
from imageferry.cli.image_desk import open_image_desk
from imageferry.errors import Reason, UsageError
from imageferry.gateway.asking import asked
from imageferry.gateway.schemas.images import ImageFilter
from imageferry.settings import Settings

FAILURES_SHOWN = 20


async def list_images(
    settings: Settings, *, conditions: dict[str, object], sort: Sort, limit: int, as_json: bool
) -> Exit:
    """Print the first images that a filter leaves, and how many there are."""
    wanted = _filter(conditions)
    async with open_image_desk(settings) as desk:
        shown = await desk.show(wanted, sort=sort, limit=limit)
    if as_json:
        records = [image.model_dump(mode="json") for image in shown.images]
        answer({"images": records, "total": shown.total.images, "total_exact": shown.total.exact})
        return Exit.DONE
    table = Table(
        Column("id", justify="right"), "name", "type", Column("size", justify="right"), "taken", "path", box=None
    )
    for image in shown.images:
        taken = "" if image.taken_at is None else f"{image.taken_at:%Y-%m-%d}"
        table.add_row(str(image.id), image.name, image.mime_type, wording.size(image.size), taken, image.path)
    console = Console(width=None if sys.stdout.isatty() else 200)  # nothing is cut off where no screen bounds it
    if shown.images:
        console.print(table, soft_wrap=True)
        console.print(f"{len(shown.images):,} of {_told(shown.total)} images", markup=False)
    else:
        console.print("No image fits.")
    return Exit.DONE


async def delete_images(
    settings: Settings, *, conditions: dict[str, object], yes: bool, people: Console, as_json: bool
) -> Exit:
    """Delete what a filter leaves; asks before, unless it was said already."""
    wanted = _filter(conditions)
    if asked(**dict(wanted)).is_empty:
        raise UsageError(Reason.MISCONFIGURED, "Name at least one condition: all images are never meant by none.")
    async with open_image_desk(settings) as desk:
        total = (await desk.show(wanted, sort=Sort.CREATED, limit=1)).total
        if total.images and not yes and not _agreed(total, people):
            return Exit.DONE
        gone = await desk.delete(wanted)
    for image_id, detail in list(gone.failed.items())[:FAILURES_SHOWN]:
        people.print(f"Image {image_id}: {detail}", markup=False, soft_wrap=True)
    if as_json:
        answer({"deleted": gone.deleted, "failed": len(gone.failed)})
    else:
        many = "1 image is" if gone.deleted == 1 else f"{gone.deleted:,} images are"
        people.print(f"{many} deleted, with their objects.")
    return Exit.OTHER if gone.failed else Exit.DONE


def _filter(conditions: dict[str, object]) -> ImageFilter:
    try:
        return ImageFilter.model_validate(conditions)
    except ValidationError as exc:
        wrong = exc.errors(include_url=False)[0]
        where = ".".join(map(str, wrong["loc"]))
        raise UsageError(Reason.MISCONFIGURED, f"This {where} cannot be sought: {wrong['msg']}.") from exc


def _agreed(total: Total, people: Console) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(Reason.MISCONFIGURED, "Nobody is here to be asked: say --yes to delete.")
    return Confirm.ask(f"Delete {_told(total)} images, with their objects?", console=people, default=False)


def _told(total: Total) -> str:
    return f"{'' if total.exact else 'at least '}{total.images:,}"
