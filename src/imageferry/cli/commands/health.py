"""`imageferry health`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option
from imageferry.cli.handlers.health import ask
from imageferry.cli.runner import people, run


@click.command()
@option("--port", type=click.IntRange(1, 65535), metavar="N", help="[default: IMAGEFERRY_HEALTH_PORT, else PORT]")
@option("--ready", is_flag=True, help="Ask whether what it leans on answers, too.")
def health(*, port: int | None, ready: bool) -> None:
    """Ask the gateway or worker of this machine whether it is well: exit code 0 when it is, 1 when not."""
    run(partial(ask, port=port, ready=ready, people=people))
