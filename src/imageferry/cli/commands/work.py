"""`imageferry work`."""

from functools import partial

import click

from imageferry.cli.commands.shared_options import option, store
from imageferry.cli.handlers.work import run_worker_until_stopped
from imageferry.cli.runner import run


@click.command()
@option(
    "--role",
    "roles",
    metavar="ROLES",
    default="crawl,transfer,record",
    help="Stages to run: crawl, transfer, record, or several separated by commas.",
)
@option(
    "--processes",
    type=click.IntRange(1, 256),
    metavar="N",
    envvar="IMAGEFERRY_WORKER_PROCESSES",
    help="Number of child processes. [default: one per processor]",
)
@store
def work(*, roles: str, processes: int | None, store: str | None) -> None:
    """Run a worker for the jobs of a remote gateway, over the broker in CELERY_BROKER_URL.

    The role `crawl` needs the source and the catalog, `transfer` the source and the storage, `record` the catalog.
    Any number of workers can run. A worker that stops returns its unfinished work to the queue.
    """
    run(partial(run_worker_until_stopped, roles=roles), worker_processes=processes, store_url=store)
