"""`imageferry migrate`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option
from imageferry.cli.handlers.migrate import migrate_catalog
from imageferry.cli.runner import console, run


@click.command()
@option(
    "--recount",
    is_flag=True,
    help="Recount all images. Imports wait meanwhile, up to a minute per million images.",
)
def migrate(*, recount: bool) -> None:
    """Update the catalog's schema.

    Every other command does this too when it is necessary.
    """
    run(partial(migrate_catalog, recount=recount, console=console))
