"""`imageferry import`: import a folder, or show the plan."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from imageferry.application.import_job import plan_folder, run_import
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.cli.output import reports
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.cli.output.progress import progress_display
from imageferry.cli.signals import stop_on_signals
from imageferry.model import Folder, Job, JobOptions
from imageferry.settings import Settings
from imageferry.subprocess_protocol.child_process import ChildProcess


async def import_and_report(
    url: str,
    *,
    settings: Settings,
    options: JobOptions,
    priority: int,
    webhook_url: str | None,
    manifest_path: Path | None,
    preforked: Sequence[ChildProcess],
    console: Console,
    as_json: bool,
) -> ExitCode:
    """Import the folder at a URL, and print its progress and its result."""
    stop = asyncio.Event()

    def on_start(folder: Folder, job: Job, is_new: bool) -> None:  # noqa: FBT001 - the signature of OnStart
        verb = "Importing" if is_new else "Resuming the import of"
        console.print(f"{verb} “{folder.name}” into {job.store}")
        stop_on_signals(stop)

    with progress_display(console) as progress:
        result = await run_import(
            url,
            settings=settings,
            options=options,
            on_start=on_start,
            on_progress=progress.update,
            stop=stop,
            manifest_path=manifest_path,
            priority=priority,
            webhook_url=webhook_url,
            preforked=preforked,
        )
    reports.print_result(console, result)
    if as_json:
        print_json(reports.result_as_json(result))
    return exit_code_for_result(result)


async def plan_and_report(
    url: str, *, settings: Settings, options: JobOptions, console: Console, as_json: bool
) -> ExitCode:
    """Print what importing the folder at a URL would do."""
    with console.rich_console().status("Listing files …") as status:
        plan = await plan_folder(
            url,
            settings=settings,
            options=options,
            on_progress=lambda so_far: status.update(f"Listing files: {so_far.files:,} …"),
        )
    if as_json:
        print_json(reports.plan_as_json(plan))
    else:
        reports.print_plan(console, plan)
    return ExitCode.SUCCESS
