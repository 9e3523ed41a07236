"""`imageferry migrate`: the catalog's schema, up to date, and its images counted anew."""

from collections.abc import Callable

from imageferry.bootstrap.components import open_catalog
from imageferry.catalog.images import counters
from imageferry.catalog.images.counter_rebuild import recount
from imageferry.cli.exit_codes import Exit
from imageferry.settings import Settings


async def migrate_catalog(settings: Settings, *, say: Callable[[str], None], recounted: bool) -> Exit:
    """Bring the catalog's schema up to date; `recounted`: write its tallies anew, while no image is stored."""
    async with open_catalog(settings) as catalog:
        say("The catalog is up to date.")
        if recounted:
            await catalog.write(recount)
            of_all = await catalog.read(counters.total)
            say(f"Its images are counted anew: {of_all.images:,}.")
    return Exit.DONE
