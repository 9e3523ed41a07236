"""`imageferry images`: list or delete images."""

import sys
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.cli.clients.images import ImageMatches, ImagesClient
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.output import formatting
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.cli.output.tables import TableColumn, print_table
from imageferry.errors import Reason, UsageError
from imageferry.gateway.schemas.image_query import to_filter
from imageferry.gateway.schemas.images import IDS_MAX, Image, ImageFilter

FAILURES_SHOWN_MAX = 20
LISTED = 20
PAGE_SIZE = 1000


class ImageSelection(Struct, frozen=True, kw_only=True):
    """The images that a command is about: either those with these IDs, or those that match the conditions."""

    ids: Sequence[int]
    conditions: Mapping[str, object]
    sort: Sort = Sort.CREATED
    limit: int | None = None  # None: all of them
    cursor: str | None = None  # continue after the images that a search with the same conditions has listed

    def to_filter(self) -> ImageFilter | None:
        """Return the conditions, or None if IDs are given. Raise UsageError for both, or for an invalid condition."""
        try:
            conditions = ImageFilter.model_validate(self.conditions)
        except ValidationError as exc:
            problem = exc.errors(include_url=False)[0]
            name = ".".join(map(str, problem["loc"]))
            text = problem["msg"].removeprefix("Value error, ")
            raise UsageError(Reason.MISCONFIGURED, f"Invalid condition {name}: {text}.") from exc
        if not self.ids:
            return conditions
        if not to_filter(conditions).is_empty:
            raise UsageError(Reason.MISCONFIGURED, "Use either --id or conditions, not both.")
        if len(self.ids) > IDS_MAX:
            raise UsageError(Reason.MISCONFIGURED, f"Use --id for at most {IDS_MAX:,} images.")
        return None

    async def first(self, client: ImagesClient, count: int) -> ImageMatches:
        """Return the first images of the selection, and how many there are without the limit."""
        conditions = self.to_filter()
        if conditions is not None:
            return await client.search(conditions, sort=self.sort, limit=count, cursor=self.cursor)
        if self.cursor is not None:
            raise UsageError(Reason.MISCONFIGURED, "Use either --id or --cursor, not both.")
        images = await client.by_ids(self.ids)
        return ImageMatches(images=images[:count], total=Total(images=len(images)))

    async def pages(self, client: ImagesClient) -> AsyncIterator[Image]:
        """Yield the images of the selection, reading PAGE_SIZE at a time."""
        selection, left = self, self.limit
        while left is None or left > 0:
            matches = await selection.first(client, PAGE_SIZE if left is None else min(left, PAGE_SIZE))
            for image in matches.images:
                yield image
            if matches.next is None:
                return
            left = None if left is None else left - len(matches.images)
            selection = replace(selection, cursor=matches.next)


async def list_images(client: ImagesClient, *, selection: ImageSelection, as_json: bool) -> ExitCode:
    """Print the first images of the selection on stdout, and their total number."""
    matches = await selection.first(client, selection.limit or LISTED)
    if as_json:
        images = [image.model_dump(mode="json") for image in matches.images]
        total = {"total": matches.total.images, "total_exact": matches.total.exact}
        print_json({"images": images, **total, "next": matches.next})
        return ExitCode.SUCCESS
    console = Console("stdout")
    if not matches.images:
        console.print("No images match.")
        return ExitCode.SUCCESS
    _print_images(console, matches.images)
    console.print(f"{len(matches.images):,} of {format_total(matches.total)} images")
    if matches.next is not None:
        console.print(f"Show more: --limit N, or --cursor {matches.next}")
    return ExitCode.SUCCESS


async def delete_images(
    client: ImagesClient, *, selection: ImageSelection, confirmed: bool, console: Console, as_json: bool
) -> ExitCode:
    """Delete all images of the selection; ask first unless `confirmed`."""
    conditions = selection.to_filter()
    if conditions is not None and to_filter(conditions).is_empty:
        message = "You can't delete the whole library at once. Set a condition first, for example --job."
        raise UsageError(Reason.MISCONFIGURED, message)
    if selection.limit is not None or selection.cursor is not None:
        message = "--delete deletes all matching images: it takes no --limit and no --cursor. Use conditions or --id."
        raise UsageError(Reason.MISCONFIGURED, message)
    total = (await selection.first(client, 1)).total
    if total.images and not confirmed and not _confirm(total, console):
        return ExitCode.SUCCESS
    result = await client.delete(selection.ids if conditions is None else conditions)
    for image_id, detail in list(result.failed.items())[:FAILURES_SHOWN_MAX]:
        console.print(f"Image {image_id}: {detail}")
    if as_json:
        print_json({"deleted": result.deleted, "failed": len(result.failed)})
    else:
        console.print(f"Deleted {format_images(result.deleted)} from the catalog and the storage.")
    return ExitCode.FAILURE if result.failed else ExitCode.SUCCESS


def format_images(count: int) -> str:
    """Format a number of images: `1 image`, `2,000 images`."""
    return "1 image" if count == 1 else f"{count:,} images"


def format_total(total: Total) -> str:
    """Format a total that may be a lower bound: `2,000`, `at least 20,000`."""
    return f"{'' if total.exact else 'at least '}{total.images:,}"


def _print_images(console: Console, images: Sequence[Image]) -> None:
    columns = (
        TableColumn(title="id", is_number=True),
        TableColumn(title="name", is_flexible=True),
        TableColumn(title="type", wide_only=True),
        TableColumn(title="size", is_number=True),
        TableColumn(title="taken"),
        TableColumn(title="folder", is_flexible=True, wide_only=True),
    )
    rows = []
    for image in images:
        taken = "" if image.taken_at is None else f"{image.taken_at:%Y-%m-%d}"
        size = formatting.format_size(image.size)
        rows.append((str(image.id), image.name, image.mime_type, size, taken, image.path))
    print_table(console, columns, rows)


def _confirm(total: Total, console: Console) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(Reason.MISCONFIGURED, "Can't ask for confirmation without a terminal. Use --yes to delete.")
    from rich.prompt import Confirm  # noqa: PLC0415 - slow to import

    question = f"Delete {format_total(total)} images, from the storage too?"
    return Confirm.ask(question, console=console.rich_console(), default=False)
