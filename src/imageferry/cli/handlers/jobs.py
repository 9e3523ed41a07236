"""The commands that look at jobs and take them in hand: `jobs`, `pause`, `resume`, `cancel`, `retry` and the like."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from imageferry.cli.clients.jobs import Desk, Report
from imageferry.cli.clients.open import open_desk
from imageferry.cli.exit_codes import Exit
from imageferry.cli.handlers import reports
from imageferry.cli.handlers.import_ import Ending, go_on, interruption
from imageferry.cli.handlers.wait_limit import Patience
from imageferry.cli.output import formatting
from imageferry.cli.output.console import People
from imageferry.cli.output.json_output import answer
from imageferry.cli.output.progress import progress_for
from imageferry.clock import utc_now
from imageferry.model import Job, JobState
from imageferry.settings import Settings

Move = Callable[[Desk], Awaitable[Job]]

LOOK_EVERY_S = 0.5
# What is under way comes to its end within some seconds; what a store or a source holds up is not waited for.
CANCELLED_WITHIN_S = 15.0


async def list_jobs(settings: Settings, *, limit: int, state: JobState | None, as_json: bool) -> Exit:
    """Print the latest jobs, the newest first."""
    async with open_desk(settings) as desk:
        latest = await desk.latest(limit=limit, state=state)
    if as_json:
        answer({"jobs": [reports.job_as_json(job) for job in latest]})
        return Exit.DONE
    people = People("stdout")
    if not latest:
        people.tell("No jobs yet: start one with imageferry import URL.")
        return Exit.DONE
    from rich.table import Column, Table  # noqa: PLC0415 - long to import

    columns = (Column("job", no_wrap=True, min_width=36), "folder", "state", "files", "stored", "skipped", "failed")
    table = Table(*columns, "bytes", box=None)
    for job in latest:
        counts = (formatting.listed(job), f"{job.stored:,}", f"{job.skipped:,}", f"{job.failed:,}")
        table.add_row(job.id, job.folder_name or job.folder_id, job.state, *counts, formatting.size(job.bytes_stored))
    people.console().print(table, soft_wrap=True)
    return Exit.DONE


async def show_job(settings: Settings, *, job_id: str, as_json: bool) -> Exit:
    """Print one job, and why files of it were not stored."""
    async with open_desk(settings) as desk:
        found = await desk.report(job_id)
    if as_json:
        answer(reports.report_as_json(found))
    else:
        reports.job(People("stdout"), found)
    return Exit.DONE


async def move_job(settings: Settings, *, move: Move, people: People, as_json: bool) -> Exit:
    """Take a job in hand, and print how it stands then."""
    async with open_desk(settings) as desk:
        job = await move(desk)
    if as_json:
        answer(reports.job_as_json(job))
    else:
        people.tell(f"The job {job.id} is {job.state}.")
    return Exit.DONE


async def follow_job(
    settings: Settings, *, job_id: str, move: Move, people: People, as_json: bool, detach: bool
) -> Exit:
    """Take a job in hand, then work on it or watch it until it ends, as `import` does; `detach`: leave it to others."""
    if detach:
        return await move_job(settings, move=move, people=people, as_json=as_json)
    ended = await _follow(settings, job_id=job_id, move=move, people=people)
    reports.ending(people, ended)
    if as_json:
        answer(reports.ending_as_json(ended))
    return ended.exit


async def cancel_job(settings: Settings, *, job_id: str, discard: bool, people: People, as_json: bool) -> Exit:
    """Cancel a job, and wait until what is under way has come to its end."""

    async def move(desk: Desk) -> Job:
        return await desk.cancel(job_id, discard=discard)

    ended = await _follow(settings, job_id=job_id, move=move, people=people, within_s=CANCELLED_WITHIN_S)
    if as_json:
        answer(reports.job_as_json(ended.job))
    else:
        people.tell(formatting.ending(ended.job))
    return Exit.DONE


async def print_manifest(settings: Settings, *, job_id: str, csv: bool) -> Exit:
    """Print the receipt of a job."""
    async with open_desk(settings) as desk:
        async for page in desk.manifest(job_id, csv=csv):
            sys.stdout.buffer.write(page)
    return Exit.DONE


async def remove_job(settings: Settings, *, job_id: str, people: People) -> Exit:
    """Remove a job from the history."""
    async with open_desk(settings) as desk:
        await desk.remove(job_id)
    people.tell(f"The job {job_id} is removed from the history; its images stay.")
    return Exit.DONE


async def prune_jobs(settings: Settings, *, days: int, people: People) -> Exit:
    """Remove the jobs that ended long ago from the history."""
    async with open_desk(settings) as desk:
        pruned = await desk.prune(before=utc_now() - timedelta(days=days))
    people.tell(f"{pruned:,} jobs that ended more than {days} days ago are removed; their images stay.")
    return Exit.DONE


async def _follow(
    settings: Settings, *, job_id: str, move: Move, people: People, within_s: float | None = None
) -> Ending:
    with progress_for(people) as progress:
        if settings.server_url is None:
            return await go_on(job_id, settings=settings, move=move, show=progress.show, within_s=within_s)
        async with open_desk(settings) as desk:
            await move(desk)
            return await _watch(desk, job_id, settings=settings, show=progress.show, within_s=within_s)


async def _watch(
    desk: Desk, job_id: str, *, settings: Settings, show: Callable[[Job], None], within_s: float | None
) -> Ending:
    """Watch a job at a gateway until it ends or cannot go on; Ctrl-C leaves it running there."""
    began_s = time.monotonic()
    interrupted, patience = interruption(), Patience(settings.patience_s)
    while True:
        found: Report = await desk.report(job_id)
        show(found.job)
        late = within_s is not None and time.monotonic() - began_s > within_s
        if found.job.state.terminal or patience.ends(found.job) or interrupted.is_set() or late:
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(interrupted.wait(), LOOK_EVERY_S)
    gone = interrupted.is_set() and not found.job.state.terminal
    return Ending(
        job=found.job,
        failures=dict(found.failures),
        skips=dict(found.skips),
        interrupted=gone,
        detached=gone,
        seconds=time.monotonic() - began_s,
    )
