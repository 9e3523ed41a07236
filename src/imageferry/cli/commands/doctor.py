"""`imageferry doctor`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import as_json, server
from imageferry.cli.handlers.doctor import examine
from imageferry.cli.runner import people, run


@click.command()
@server
@as_json
def doctor(*, server: str | None, as_json: bool) -> None:
    """Try everything that an import leans on, and say what to mend; of a gateway elsewhere, whether it is well."""
    run(partial(examine, people=people, as_json=as_json), as_json=as_json, server_url=server)
