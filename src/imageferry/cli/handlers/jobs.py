"""The commands that work on a job, or follow it, after they changed it: `resume`, `retry` and `cancel`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from imageferry.application.results import ImportResult
from imageferry.application.wait_limit import WaitLimit
from imageferry.cli.clients.factory import open_jobs_client
from imageferry.cli.clients.jobs import JobsClient
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.cli.output import formatting, reports
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.cli.output.progress import progress_display
from imageferry.cli.signals import stop_on_signals
from imageferry.errors import NotFoundError, Reason, UsageError
from imageferry.model import Job
from imageferry.settings import Settings

# Changes the job with an id through a client, and returns it as it is afterwards.
Change = Callable[[JobsClient, str], Awaitable[Job]]

ID_LENGTH = 36

POLL_S = 0.5
# Transfers in flight end within a few seconds; those that the source or the store holds up are not awaited.
CANCEL_S_MAX = 15.0


async def find_job_id(client: JobsClient, id_or_prefix: str) -> str:
    """Return the id of the job that an id, or the start of one, means.

    Raises NotFoundError when no job's id starts like that, UsageError when several do. A whole id is not looked up.
    """
    if len(id_or_prefix) >= ID_LENGTH:
        return id_or_prefix
    found = await client.newest(limit=2, id_prefix=id_or_prefix)
    if not found:
        raise NotFoundError(Reason.GONE, f"There is no job {id_or_prefix}. `imageferry jobs` lists them.")
    if len(found) > 1:
        message = f"The ids of several jobs start with {id_or_prefix}. Use more of it: `imageferry jobs` lists them."
        raise UsageError(Reason.MISCONFIGURED, message)
    return found[0].id


async def change_and_follow(
    settings: Settings, *, job_id: str, change: Change, console: Console, as_json: bool
) -> ExitCode:
    """Change a job, then work on it or watch it until it finishes, and print its result like `import` does."""
    result = await _change_and_work(settings, job_id=job_id, change=change, console=console)
    reports.print_result(console, result)
    if as_json:
        print_json(reports.result_as_json(result))
    return exit_code_for_result(result)


async def cancel_and_wait(
    settings: Settings, *, job_id: str, discard: bool, console: Console, as_json: bool
) -> ExitCode:
    """Cancel a job, and wait until its transfers have ended, for at most CANCEL_S_MAX."""
    result = await _change_and_work(
        settings,
        job_id=job_id,
        change=lambda client, job_id: client.cancel(job_id, discard=discard),
        console=console,
        work_s_max=CANCEL_S_MAX,
    )
    if as_json:
        print_json(reports.job_as_json(result.job))
    else:
        console.print(formatting.format_outcome(result.job))
    return ExitCode.SUCCESS


async def _change_and_work(
    settings: Settings, *, job_id: str, change: Change, console: Console, work_s_max: float | None = None
) -> ImportResult:
    async with open_jobs_client(settings) as client:
        job_id = await find_job_id(client, job_id)
    stop = asyncio.Event()
    with progress_display(console) as progress:
        if settings.server_url is None:
            # Each branch imports only what it needs; see `cli.clients.factory`.
            from imageferry.application.import_job import continue_job  # noqa: PLC0415 - see above
            from imageferry.cli.clients.local_jobs import LocalJobs  # noqa: PLC0415 - see above

            return await continue_job(
                job_id,
                settings=settings,
                action=lambda catalog: change(LocalJobs(catalog), job_id),
                on_start=partial(stop_on_signals, stop),
                on_progress=progress.update,
                stop=stop,
                work_s_max=work_s_max,
            )
        from imageferry.cli.clients.remote_jobs import open_remote_jobs  # noqa: PLC0415 - see above

        async with open_remote_jobs(settings.server_url, token=settings.api_token) as client:
            await change(client, job_id)
            stop_on_signals(stop)
            return await _watch(
                client, job_id, settings=settings, on_progress=progress.update, stop=stop, watch_s_max=work_s_max
            )


async def _watch(
    client: JobsClient,
    job_id: str,
    *,
    settings: Settings,
    on_progress: Callable[[Job], None],
    stop: asyncio.Event,
    watch_s_max: float | None,
) -> ImportResult:
    """Watch a job at a gateway until it finishes or can't continue. Ctrl-C leaves it running there."""
    started_s = time.monotonic()
    wait_limit = WaitLimit(settings.wait_s)
    while True:
        report = await client.report(job_id)
        on_progress(report.job)
        timed_out = watch_s_max is not None and time.monotonic() - started_s > watch_s_max
        if report.job.state.is_terminal or wait_limit.is_exceeded(report.job) or stop.is_set() or timed_out:
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL_S)
    interrupted = stop.is_set() and not report.job.state.is_terminal
    return ImportResult(
        job=report.job,
        failures=report.failures,
        skips=report.skips,
        interrupted=interrupted,
        detached=interrupted,
        elapsed_s=time.monotonic() - started_s,
    )
