"""The commands for jobs, of this machine's catalog or of a gateway elsewhere."""

from collections.abc import Awaitable
from functools import partial

import click

from imageferry.cli.clients.jobs import Desk
from imageferry.cli.commands.shared_options import as_json, job_id, option, server
from imageferry.cli.handlers.jobs import (
    cancel_job,
    follow_job,
    list_jobs,
    move_job,
    print_manifest,
    prune_jobs,
    remove_job,
    show_job,
)
from imageferry.cli.runner import people, run
from imageferry.errors import Reason
from imageferry.model import Job, JobState

detach = option("--detach", is_flag=True, help="Do not wait: `imageferry serve` or the workers do it.")


@click.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@option("--limit", type=click.IntRange(1, 1000), default=20, metavar="N", help="So many are listed.")
@option(
    "--state",
    type=click.Choice([str(each) for each in JobState]),
    metavar="STATE",
    help=f"Only jobs in this state: {', '.join(JobState)}.",
)
@server
@as_json
def jobs(*, job_id: str | None, limit: int, state: str | None, server: str | None, as_json: bool) -> None:
    """List the latest jobs, or tell all about one."""
    if job_id is None:
        work = partial(list_jobs, limit=limit, state=JobState(state) if state else None, as_json=as_json)
    else:
        work = partial(show_job, job_id=job_id, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@click.command()
@job_id
@server
@as_json
def pause(*, job_id: str, server: str | None, as_json: bool) -> None:
    """Let a job rest until it is resumed; what is under way comes to its end, or is broken off, within seconds."""
    work = partial(move_job, move=lambda desk: desk.pause(job_id), people=people, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@click.command()
@job_id
@detach
@server
@as_json
def resume(*, job_id: str, detach: bool, server: str | None, as_json: bool) -> None:
    """Go on with a job that was paused, or that waits, and work on it to its end."""
    work = partial(follow_job, job_id=job_id, move=lambda desk: desk.resume(job_id), people=people)
    run(partial(work, as_json=as_json, detach=detach), as_json=as_json, server_url=server)


@click.command()
@job_id
@option(
    "--reason",
    "reasons",
    type=click.Choice([str(each) for each in Reason]),
    multiple=True,
    metavar="REASON",
    help="Only what failed for this reason. May be given again.",
)
@option(
    "--item",
    "item_ids",
    type=int,
    multiple=True,
    metavar="ID",
    help="Only this file of the job, if it failed. May be given again.",
)
@detach
@server
@as_json
def retry(
    *,
    job_id: str,
    reasons: tuple[str, ...],
    item_ids: tuple[int, ...],
    detach: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Try again what failed, and work on it to the end.

    Folders that were lost are listed again; a job that failed begins anew; one that was cancelled goes on where it was.
    """

    def move(desk: Desk) -> Awaitable[Job]:
        return desk.retry(job_id, reasons=[Reason(each) for each in reasons] or None, item_ids=item_ids or None)

    work = partial(follow_job, job_id=job_id, move=move, people=people)
    run(partial(work, as_json=as_json, detach=detach), as_json=as_json, server_url=server)


@click.command()
@job_id
@option("--discard", is_flag=True, help="Remove what it stored, too.")
@server
@as_json
def cancel(*, job_id: str, discard: bool, server: str | None, as_json: bool) -> None:
    """End a job. What it stored stays, unless it is discarded."""
    work = partial(cancel_job, job_id=job_id, discard=discard, people=people, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@click.command()
@job_id
@server
def remove(*, job_id: str, server: str | None) -> None:
    """Remove a job that is at its end from the history; its images stay."""
    run(partial(remove_job, job_id=job_id, people=people), server_url=server)


@click.command()
@option("--days", type=click.IntRange(0, 36_500), default=90, metavar="N", help="How long ago a job must have ended.")
@server
def prune(*, days: int, server: str | None) -> None:
    """Remove jobs that ended long ago from the history, with their items; their images stay."""
    run(partial(prune_jobs, days=days, people=people), server_url=server)


@click.command()
@job_id
@option("--csv", is_flag=True, help="As CSV instead of JSON Lines.")
@server
def manifest(*, job_id: str, csv: bool, server: str | None) -> None:
    """Print a job's receipt: id, key, size, digest and outcome of each file."""
    run(partial(print_manifest, job_id=job_id, csv=csv), server_url=server)
