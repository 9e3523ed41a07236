"""`imageferry serve`."""

import click

from imageferry.cli.commands.shared_options import option, port, store
from imageferry.cli.exit_codes import Exit
from imageferry.cli.runner import people, run
from imageferry.gateway import server as gateway
from imageferry.gateway.server import Ready
from imageferry.settings import Settings


@click.command()
@option("--host", envvar="HOST", help="[default: 127.0.0.1]")
@port
@option(
    "--insecure",
    is_flag=True,
    envvar="IMAGEFERRY_INSECURE",
    help="Serve the network without a token: for a proxy in front that knows its users.",
)
@store
def serve(*, host: str | None, port: int | None, insecure: bool, store: str | None) -> None:
    """Serve the HTTP interface and the page, and run all jobs; unfinished ones go on by themselves.

    On another address than this machine's own it wants IMAGEFERRY_API_TOKEN, and asks every caller for it.
    """
    run(_serve, host=host, port=port, insecure=insecure or None, store_url=store)


async def _serve(settings: Settings) -> Exit:
    def tell(ready: Ready) -> None:
        people.tell(f"imageferry is at {ready.url} (Ctrl-C ends it).")
        if ready.sign_in_url is not None:
            people.tell(f"Sign in, once and within ten minutes: {ready.sign_in_url}")

    await gateway.serve(settings, on_ready=tell)
    return Exit.DONE
