"""`imageferry serve`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option, port, store
from imageferry.cli.handlers.serve import serve_gateway
from imageferry.cli.runner import console, run


@click.command()
@option("--host", envvar="HOST", help="Address to listen on. [default: 127.0.0.1]")
@port
@option(
    "--insecure",
    is_flag=True,
    envvar="IMAGEFERRY_INSECURE",
    help="Serve other machines without an access token. Only behind a proxy that authenticates its users.",
)
@store
def serve(*, host: str | None, port: int | None, insecure: bool, store: str | None) -> None:
    """Serve the web page and the API, and run all jobs.

    Unfinished jobs continue automatically. To listen on an address other than this machine's own, set
    IMAGEFERRY_API_TOKEN: every client must then send it.
    """
    run(partial(serve_gateway, console=console), host=host, port=port, insecure=insecure or None, store_url=store)
