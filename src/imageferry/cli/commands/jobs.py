"""`imageferry jobs`, `pause`, `resume`, `retry`, `cancel`, `remove`, `prune` and `manifest`."""

from collections.abc import Awaitable
from datetime import timedelta
from functools import partial

import click

from imageferry.cli.clients.jobs import JobsClient
from imageferry.cli.commands.shared_options import as_json, job_id, option, server
from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.handlers.jobs import Change, cancel_and_wait, change_and_follow, find_job_id
from imageferry.cli.output import reports
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.cli.runner import console, run, run_with_jobs
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import Job, JobState

detach = option("--detach", is_flag=True, help="Don't wait: `imageferry serve` or workers continue the job.")


@click.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@option("--limit", type=click.IntRange(1, 1000), default=20, metavar="N", help="Maximum number of jobs to list.")
@option(
    "--state",
    type=click.Choice([str(state) for state in JobState]),
    metavar="STATE",
    help=f"List only jobs in this state: {', '.join(JobState)}.",
)
@server
@as_json
def jobs(*, job_id: str | None, limit: int, state: str | None, server: str | None, as_json: bool) -> None:
    """List jobs, newest first, or show one.

    JOB is a job's ID or the start of one, here and in all commands.
    """

    async def work(client: JobsClient) -> ExitCode:
        if job_id is not None:
            report = await client.report(await find_job_id(client, job_id))
            if as_json:
                print_json(reports.report_as_json(report))
            else:
                reports.print_report(Console("stdout"), report)
            return ExitCode.SUCCESS
        newest = await client.newest(limit=limit, state=JobState(state) if state else None)
        if as_json:
            print_json({"jobs": [reports.job_as_json(job) for job in newest]})
        else:
            reports.print_jobs(Console("stdout"), newest)
        return ExitCode.SUCCESS

    run_with_jobs(work, as_json=as_json, server=server)


@click.command()
@job_id
@server
@as_json
def pause(*, job_id: str, server: str | None, as_json: bool) -> None:
    """Pause a job.

    Transfers in flight end within seconds. `imageferry resume` continues the job.
    """
    _change(lambda client, job_id: client.pause(job_id), job_id=job_id, as_json=as_json, server=server)


@click.command()
@job_id
@detach
@server
@as_json
def resume(*, job_id: str, detach: bool, server: str | None, as_json: bool) -> None:
    """Resume a paused or waiting job, and wait until it finishes."""
    _change_and_follow(
        lambda client, job_id: client.resume(job_id), job_id=job_id, as_json=as_json, detach=detach, server=server
    )


@click.command()
@job_id
@option(
    "--reason",
    "reasons",
    type=click.Choice([str(reason) for reason in Reason]),
    multiple=True,
    metavar="REASON",
    help="Retry only files that failed for this reason. Repeatable.",
)
@option(
    "--item",
    "item_ids",
    type=int,
    multiple=True,
    metavar="ID",
    help="Retry only this file, by its item ID. Repeatable.",
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
    """Retry the failed files of a job, and wait until it finishes.

    Folders that could not be listed are listed again. A failed job starts again; a cancelled job continues where it
    stopped.
    """

    def change(client: JobsClient, job_id: str) -> Awaitable[Job]:
        return client.retry(job_id, reasons=[Reason(each) for each in reasons] or None, item_ids=item_ids or None)

    _change_and_follow(change, job_id=job_id, as_json=as_json, detach=detach, server=server)


@click.command()
@job_id
@option("--discard", is_flag=True, help="Delete the images that the job stored.")
@server
@as_json
def cancel(*, job_id: str, discard: bool, server: str | None, as_json: bool) -> None:
    """Cancel a job. The images that it stored are kept, unless --discard is given."""
    work = partial(cancel_and_wait, job_id=job_id, discard=discard, console=console, as_json=as_json)
    run(work, as_json=as_json, server_url=server)


@click.command()
@job_id
@server
def remove(*, job_id: str, server: str | None) -> None:
    """Remove a finished job from the history. Its images are kept."""

    async def work(client: JobsClient) -> ExitCode:
        removed_id = await find_job_id(client, job_id)
        await client.remove(removed_id)
        console.print(f"Removed job {removed_id} from the history. Its images are kept.")
        return ExitCode.SUCCESS

    run_with_jobs(work, server=server)


@click.command()
@option("--days", type=click.IntRange(0, 36_500), default=90, metavar="N", help="Minimum days since the job finished.")
@server
def prune(*, days: int, server: str | None) -> None:
    """Remove old finished jobs from the history. Their images are kept."""

    async def work(client: JobsClient) -> ExitCode:
        pruned = await client.prune(before=utc_now() - timedelta(days=days))
        jobs_removed = "1 job" if pruned == 1 else f"{pruned:,} jobs"
        console.print(f"Removed {jobs_removed} that finished more than {days} days ago. Their images are kept.")
        return ExitCode.SUCCESS

    run_with_jobs(work, server=server)


@click.command()
@job_id
@option("--csv", is_flag=True, help="Print CSV instead of JSON Lines.")
@server
def manifest(*, job_id: str, csv: bool, server: str | None) -> None:
    """Print a record of every file of a job: ID, storage key, size, checksum and result."""

    async def work(client: JobsClient) -> ExitCode:
        await Console("stdout").copy(client.manifest(await find_job_id(client, job_id), csv=csv))
        return ExitCode.SUCCESS

    run_with_jobs(work, server=server)


def _change(change: Change, *, job_id: str, as_json: bool, server: str | None) -> None:
    """Change a job, and print its new state."""

    async def work(client: JobsClient) -> ExitCode:
        job = await change(client, await find_job_id(client, job_id))
        if as_json:
            print_json(reports.job_as_json(job))
        else:
            console.print(f"Job {job.id} is {job.state}.")
        return ExitCode.SUCCESS

    run_with_jobs(work, as_json=as_json, server=server)


def _change_and_follow(change: Change, *, job_id: str, as_json: bool, detach: bool, server: str | None) -> None:
    """Change a job, then work on it or watch it until it finishes; with `detach`, leave it to other processes."""
    if detach:
        _change(change, job_id=job_id, as_json=as_json, server=server)
        return
    work = partial(change_and_follow, job_id=job_id, change=change, console=console, as_json=as_json)
    run(work, as_json=as_json, server_url=server)
