"""`imageferry migrate`: update the catalog's schema, and rebuild its image counters."""

from imageferry.bootstrap.components import open_catalog
from imageferry.catalog.images import counters
from imageferry.catalog.images.counter_rebuild import rebuild
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.output.console import Console
from imageferry.settings import Settings


async def migrate_catalog(settings: Settings, *, recount: bool, console: Console) -> ExitCode:
    """Update the schema; with `recount`, also rebuild the image counters, which blocks imports meanwhile."""
    async with open_catalog(settings) as catalog:
        console.print("The catalog is up to date.")
        if recount:
            await catalog.write(rebuild)
            total = await catalog.read(counters.total)
            console.print(f"Images recounted: {total.images:,}.")
    return ExitCode.SUCCESS
