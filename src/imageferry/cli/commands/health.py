"""`imageferry health`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option
from imageferry.cli.handlers.health import check_health
from imageferry.cli.runner import console, run


@click.command()
@option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port of the process. [default: IMAGEFERRY_HEALTH_PORT, else PORT]",
)
@option("--ready", is_flag=True, help="Check that it is ready for work, too.")
def health(*, port: int | None, ready: bool) -> None:
    """Check the health of a local gateway or worker.

    Exits with 0 if it is healthy, else with 1. For health checks of containers.
    """
    run(partial(check_health, port=port, ready=ready, console=console), is_probe=True)
