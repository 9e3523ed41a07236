"""The commands for jobs, of this machine's catalog or of a gateway elsewhere."""

from collections.abc import Awaitable
from functools import partial
from typing import Annotated

import typer

from imageferry.cli.desk import Desk
from imageferry.cli.handling import (
    cancel_job,
    follow_job,
    list_jobs,
    move_job,
    print_manifest,
    prune_jobs,
    remove_job,
    show_job,
)
from imageferry.cli.running import people, run
from imageferry.errors import Reason
from imageferry.model import Job, JobState

app = typer.Typer()

JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's ID.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.")]
Detach = Annotated[bool, typer.Option("--detach", help="Do not wait: `imageferry serve` or the workers do it.")]
Server = Annotated[
    str | None,
    typer.Option(
        envvar="IMAGEFERRY_SERVER",
        metavar="URL",
        help="Ask the gateway there, with IMAGEFERRY_API_TOKEN, instead of this machine's catalog.",
        show_default=False,
    ),
]


@app.command()
def jobs(
    job_id: Annotated[str | None, typer.Argument(metavar="JOB", help="One job's ID.", show_default=False)] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.", show_default=False)] = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """List the latest jobs, or tell all about one."""
    if job_id is None:
        work = partial(list_jobs, limit=limit, state=state, as_json=as_json)
    else:
        work = partial(show_job, job_id=job_id, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@app.command()
def pause(job_id: JobId, *, server: Server = None, as_json: AsJson = False) -> None:
    """Let a job rest until it is resumed; what is under way comes to its end, or is broken off, within seconds."""
    work = partial(move_job, move=lambda desk: desk.pause(job_id), people=people, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@app.command()
def resume(job_id: JobId, *, detach: Detach = False, server: Server = None, as_json: AsJson = False) -> None:
    """Go on with a job that was paused, or that waits, and work on it to its end."""
    work = partial(follow_job, job_id=job_id, move=lambda desk: desk.resume(job_id), people=people)
    run(partial(work, as_json=as_json, detach=detach), as_json=as_json, server_url=server)


@app.command()
def retry(
    job_id: JobId,
    *,
    reason: Annotated[
        list[Reason] | None,
        typer.Option(metavar="REASON", help="Only what failed for this reason. May be given again."),
    ] = None,
    item: Annotated[
        list[int] | None,
        typer.Option(metavar="ID", help="Only this file of the job, if it failed. May be given again."),
    ] = None,
    detach: Detach = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Try again what failed, and work on it to the end.

    Folders that were lost are listed again; a job that failed begins anew; one that was cancelled goes on where it was.
    """

    def move(desk: Desk) -> Awaitable[Job]:
        return desk.retry(job_id, reasons=reason or None, item_ids=item or None)

    work = partial(follow_job, job_id=job_id, move=move, people=people)
    run(partial(work, as_json=as_json, detach=detach), as_json=as_json, server_url=server)


@app.command()
def cancel(
    job_id: JobId,
    *,
    discard: Annotated[bool, typer.Option("--discard", help="Remove what it stored, too.")] = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """End a job. What it stored stays, unless it is discarded."""
    work = partial(cancel_job, job_id=job_id, discard=discard, people=people, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@app.command()
def remove(job_id: JobId, *, server: Server = None) -> None:
    """Remove a job that is at its end from the history; its images stay."""
    run(partial(remove_job, job_id=job_id, people=people), server_url=server)


@app.command()
def prune(
    *,
    days: Annotated[int, typer.Option(min=0, max=36_500, help="How long ago a job must have ended.")] = 90,
    server: Server = None,
) -> None:
    """Remove jobs that ended long ago from the history, with their items; their images stay."""
    run(partial(prune_jobs, days=days, people=people), server_url=server)


@app.command()
def manifest(
    job_id: JobId,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV instead of JSON Lines.")] = False,
    server: Server = None,
) -> None:
    """Print a job's receipt: id, key, size, digest and outcome of each file."""
    run(partial(print_manifest, job_id=job_id, csv=csv), server_url=server)
