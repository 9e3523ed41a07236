"""`imageferry work`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option, store
from imageferry.cli.handlers.work import work_for
from imageferry.cli.runner import run


@click.command()
@option(
    "--role",
    metavar="ROLES",
    default="crawl,transfer,record",
    help="Which stages to serve: any of crawl, transfer, record, with commas.",
)
@option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    envvar="IMAGEFERRY_PROCESSES",
    help="Child processes. [default: one a processor]",
)
@store
def work(*, role: str, processes: int | None, store: str | None) -> None:
    """Work for the jobs of a gateway elsewhere, over the broker that CELERY_BROKER_URL names.

    `crawl` needs the source and the catalog, `record` the catalog, `transfer` the source and the store and no
    catalog. Any number of workers may run; one that stops gives back what it had begun.
    """
    run(partial(work_for, roles=role), worker_processes=processes, store_url=store)
