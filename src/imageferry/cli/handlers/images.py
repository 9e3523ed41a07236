"""`imageferry images`: list, download or delete images."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

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
from imageferry.errors import Reason, UsageError
from imageferry.gateway.schemas.image_query import to_filter
from imageferry.gateway.schemas.images import IDS_MAX, ImageFilter

FAILURES_SHOWN_MAX = 20


class ImageSelection(Struct, frozen=True, kw_only=True):
    """The images that a command is about: either those with these IDs, or those that match the conditions."""

    ids: Sequence[int]
    conditions: Mapping[str, object]
    sort: Sort = Sort.CREATED
    limit: int = IDS_MAX

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

    async def find(self, client: ImagesClient) -> ImageMatches:
        """Return the first images of the selection, and their total number."""
        conditions = self.to_filter()
        if conditions is not None:
            return await client.search(conditions, sort=self.sort, limit=self.limit)
        images = await client.by_ids(self.ids)
        return ImageMatches(images=images, total=Total(images=len(images)))


async def list_images(client: ImagesClient, *, selection: ImageSelection, as_json: bool) -> ExitCode:
    """Print the first images of the selection on stdout, and their total number."""
    matches = await selection.find(client)
    if as_json:
        images = [image.model_dump(mode="json") for image in matches.images]
        print_json({"images": images, "total": matches.total.images, "total_exact": matches.total.exact})
        return ExitCode.SUCCESS
    console = Console("stdout")
    if not matches.images:
        console.print("No images match.")
        return ExitCode.SUCCESS
    from rich.table import Column, Table  # noqa: PLC0415 - slow to import

    table = Table(
        Column("id", justify="right"), "name", "type", Column("size", justify="right"), "taken", "path", box=None
    )
    for image in matches.images:
        taken = "" if image.taken_at is None else f"{image.taken_at:%Y-%m-%d}"
        size = formatting.format_size(image.size)
        table.add_row(str(image.id), image.name, image.mime_type, size, taken, image.path)
    console.rich_console().print(table, soft_wrap=True)
    console.print(f"{len(matches.images):,} of {_format_total(matches.total)} images")
    return ExitCode.SUCCESS


async def download_images(client: ImagesClient, *, selection: ImageSelection, path: Path, console: Console) -> ExitCode:
    """Save the first images of the selection as a ZIP archive, which appears only once it is complete."""
    partial_path = path.with_name(f"{path.name}.part")
    ids = [image.id for image in (await selection.find(client)).images]
    if not ids:
        console.print("No images match.")
        return ExitCode.FAILURE
    try:
        with partial_path.open("wb") as file:
            async with aclosing(client.archive(ids)) as chunks:
                async for chunk in chunks:
                    file.write(chunk)
        partial_path.replace(path)
    except OSError as exc:
        message = f"Can't write {path} ({exc.strerror}). Choose another file."
        raise UsageError(Reason.MISCONFIGURED, message) from exc
    finally:
        partial_path.unlink(missing_ok=True)
    console.print(f"Saved {_format_images(len(ids))} to {path}.")
    return ExitCode.SUCCESS


async def delete_images(
    client: ImagesClient, *, selection: ImageSelection, confirmed: bool, console: Console, as_json: bool
) -> ExitCode:
    """Delete all images of the selection; ask first unless `confirmed`."""
    conditions = selection.to_filter()
    if conditions is not None and to_filter(conditions).is_empty:
        message = "You can't delete the whole library at once. Set a condition first, for example --job."
        raise UsageError(Reason.MISCONFIGURED, message)
    total = (await replace(selection, limit=1).find(client)).total
    if total.images and not confirmed and not _confirm(total, console):
        return ExitCode.SUCCESS
    result = await client.delete(selection.ids if conditions is None else conditions)
    for image_id, detail in list(result.failed.items())[:FAILURES_SHOWN_MAX]:
        console.print(f"Image {image_id}: {detail}")
    if as_json:
        print_json({"deleted": result.deleted, "failed": len(result.failed)})
    else:
        console.print(f"Deleted {_format_images(result.deleted)} from the catalog and the storage.")
    return ExitCode.FAILURE if result.failed else ExitCode.SUCCESS


def _format_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _confirm(total: Total, console: Console) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(Reason.MISCONFIGURED, "Can't ask for confirmation without a terminal. Use --yes to delete.")
    from rich.prompt import Confirm  # noqa: PLC0415 - slow to import

    question = f"Delete {_format_total(total)} images, from the storage too?"
    return Confirm.ask(question, console=console.rich_console(), default=False)


def _format_total(total: Total) -> str:
    return f"{'' if total.exact else 'at least '}{total.images:,}"
