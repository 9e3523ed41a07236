"""`imageferry migrate`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option
from imageferry.cli.handlers.migrate import migrate_catalog
from imageferry.cli.runner import people, run


@click.command()
@option("--recount", is_flag=True, help="Count all images anew; imports wait for it, up to a minute a million.")
def migrate(*, recount: bool) -> None:
    """Bring the catalog's schema up to date; every other command does so by itself when it is needed."""
    run(partial(migrate_catalog, say=people.tell, recounted=recount))
