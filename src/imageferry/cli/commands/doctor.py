"""`imageferry doctor`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import as_json, server
from imageferry.cli.handlers.doctor import run_checks
from imageferry.cli.runner import console, run


@click.command()
@server
@as_json
def doctor(*, server: str | None, as_json: bool) -> None:
    """Check everything that an import needs, and say what to fix.

    Checks the catalog, the storage, the source and, if one is set, the broker. With --server, checks that the gateway
    there can be reached, is ready and accepts the access token, and compares its version.
    """
    run(partial(run_checks, console=console, as_json=as_json), as_json=as_json, server_url=server)
