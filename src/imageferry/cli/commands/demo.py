"""`imageferry demo`."""

from functools import partial
from pathlib import Path

import click

from imageferry.cli.commands.shared_options import option, port
from imageferry.cli.handlers.demo import demonstrate
from imageferry.cli.runner import people, run


@click.command()
@option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Serve this folder of your own pictures as if it were on Drive.",
)
@port
@option("--browser/--no-browser", default=True, help="Open the page in a browser.")
def demo(*, pictures: Path | None, port: int | None, browser: bool) -> None:
    """Try it offline: a stand-in for Drive on this machine, an import from it, and a page that shows the pictures.

    Everything it makes is in a temporary folder that goes away with it.
    """
    run(partial(demonstrate, pictures=pictures, browser=browser, say=people.tell), port=port)
