"""Images listed, downloaded, or deleted with their objects, wherever they are."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.images import ImageDesk, Shown
from imageferry.cli.clients.open import open_image_desk
from imageferry.cli.exit_codes import Exit
from imageferry.cli.output import formatting
from imageferry.cli.output.console import People
from imageferry.cli.output.json_output import answer
from imageferry.errors import Reason, UsageError
from imageferry.gateway.routes.image_filters import asked
from imageferry.gateway.schemas.images import IDS_MAX, ImageFilter
from imageferry.settings import Settings

FAILURES_SHOWN = 20


class Meant(Struct, frozen=True, kw_only=True):
    """Which images a command is about: these, or what the conditions leave."""

    ids: Sequence[int]
    conditions: Mapping[str, object]
    sort: Sort = Sort.CREATED
    limit: int = IDS_MAX

    def filter(self) -> ImageFilter | None:
        """The conditions; None: images are named. Raises UsageError when both are, or when one cannot be sought."""
        try:
            wanted = ImageFilter.model_validate(self.conditions)
        except ValidationError as exc:
            wrong = exc.errors(include_url=False)[0]
            where = ".".join(map(str, wrong["loc"]))
            raise UsageError(Reason.MISCONFIGURED, f"This {where} cannot be sought: {wrong['msg']}.") from exc
        if not self.ids:
            return wanted
        if not asked(**dict(wanted)).is_empty:
            raise UsageError(Reason.MISCONFIGURED, "Name images by --id, or by conditions, not by both.")
        if len(self.ids) > IDS_MAX:
            raise UsageError(Reason.MISCONFIGURED, f"At most {IDS_MAX:,} images are named at once.")
        return None

    async def shown(self, desk: ImageDesk) -> Shown:
        """The first of them, and how many there are."""
        wanted = self.filter()
        if wanted is not None:
            return await desk.show(wanted, sort=self.sort, limit=self.limit)
        images = await desk.some(self.ids)
        return Shown(images=images, total=Total(images=len(images)))


async def list_images(settings: Settings, *, meant: Meant, as_json: bool) -> Exit:
    """Print the first images that are meant, and how many there are."""
    async with open_image_desk(settings) as desk:
        shown = await meant.shown(desk)
    if as_json:
        records = [image.model_dump(mode="json") for image in shown.images]
        answer({"images": records, "total": shown.total.images, "total_exact": shown.total.exact})
        return Exit.DONE
    people = People("stdout")
    if not shown.images:
        people.tell("No image fits.")
        return Exit.DONE
    from rich.table import Column, Table  # noqa: PLC0415 - long to import

    table = Table(
        Column("id", justify="right"), "name", "type", Column("size", justify="right"), "taken", "path", box=None
    )
    for image in shown.images:
        taken = "" if image.taken_at is None else f"{image.taken_at:%Y-%m-%d}"
        table.add_row(str(image.id), image.name, image.mime_type, formatting.size(image.size), taken, image.path)
    people.console().print(table, soft_wrap=True)
    people.tell(f"{len(shown.images):,} of {_told(shown.total)} images")
    return Exit.DONE


async def download_images(settings: Settings, *, meant: Meant, path: Path, people: People) -> Exit:
    """Save the first images that are meant as one ZIP, which is whole or not there."""
    coming = path.with_name(f"{path.name}.part")
    async with open_image_desk(settings) as desk:
        ids = [image.id for image in (await meant.shown(desk)).images]
        if not ids:
            people.tell("No image fits.")
            return Exit.OTHER
        try:
            with coming.open("wb") as file:
                async with aclosing(desk.archive(ids)) as pieces:
                    async for piece in pieces:
                        file.write(piece)
            coming.replace(path)
        except OSError as exc:
            message = f"The ZIP cannot be written to {path} ({exc.strerror}): name another file."
            raise UsageError(Reason.MISCONFIGURED, message) from exc
        finally:
            coming.unlink(missing_ok=True)
    people.tell(f"{_many(len(ids))} in {path}")
    return Exit.DONE


async def delete_images(settings: Settings, *, meant: Meant, yes: bool, people: People, as_json: bool) -> Exit:
    """Delete what is meant; asks before, unless it was said already."""
    wanted = meant.filter()
    if wanted is not None and asked(**dict(wanted)).is_empty:
        raise UsageError(Reason.MISCONFIGURED, "Name at least one condition: all images are never meant by none.")
    async with open_image_desk(settings) as desk:
        total = (await replace(meant, limit=1).shown(desk)).total
        if total.images and not yes and not _agreed(total, people):
            return Exit.DONE
        gone = await desk.delete(meant.ids if wanted is None else wanted)
    for image_id, detail in list(gone.failed.items())[:FAILURES_SHOWN]:
        people.tell(f"Image {image_id}: {detail}")
    if as_json:
        answer({"deleted": gone.deleted, "failed": len(gone.failed)})
    else:
        people.tell(f"{_many(gone.deleted)} deleted, with their objects.")
    return Exit.OTHER if gone.failed else Exit.DONE


def _many(count: int) -> str:
    return "1 image is" if count == 1 else f"{count:,} images are"


def _agreed(total: Total, people: People) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(Reason.MISCONFIGURED, "Nobody is here to be asked: say --yes to delete.")
    from rich.prompt import Confirm  # noqa: PLC0415 - long to import

    return Confirm.ask(f"Delete {_told(total)} images, with their objects?", console=people.console(), default=False)


def _told(total: Total) -> str:
    return f"{'' if total.exact else 'at least '}{total.images:,}"
