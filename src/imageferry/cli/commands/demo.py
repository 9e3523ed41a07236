"""`imageferry demo`."""

from functools import partial
from pathlib import Path

import click

from imageferry.cli.commands.shared_options import option, port
from imageferry.cli.handlers.demo import run_demo
from imageferry.cli.runner import console, run


@click.command()
@option(
    "--pictures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Import this local folder as if it were on Google Drive, instead of sample images.",
)
@port
@option("--browser/--no-browser", default=True, help="Open the page in a browser.")
def demo(*, pictures: Path | None, port: int | None, browser: bool) -> None:
    """Try imageferry offline, with sample images or your own.

    Starts a test Drive server on this machine, imports a folder from it, and serves the page that shows the images.
    Everything is kept in a temporary folder, which is deleted when the demo ends.
    """
    run(partial(run_demo, pictures=pictures, browser=browser, console=console), port=port)
