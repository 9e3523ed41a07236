"""`imageferry import`: an import's progress and its end, or its plan, as people and machines are told of it."""

from collections.abc import Sequence
from pathlib import Path

from imageferry.cli.exit_codes import Exit
from imageferry.cli.handlers import reports
from imageferry.cli.handlers.import_ import import_folder, plan_folder
from imageferry.cli.output.console import People
from imageferry.cli.output.json_output import answer
from imageferry.cli.output.progress import progress_for
from imageferry.engine.transfer_process.process import Process
from imageferry.model import Folder, Job, JobOptions
from imageferry.settings import Settings


async def bring(
    url: str,
    *,
    settings: Settings,
    options: JobOptions,
    priority: int,
    webhook_url: str | None,
    manifest_path: Path | None,
    ahead: Sequence[Process],
    people: People,
    as_json: bool,
) -> Exit:
    """Import the folder behind a URL."""

    def begun(folder: Folder, job: Job, *, new: bool) -> None:
        verb = "Importing" if new else "Going on with the import of"
        people.tell(f"{verb} “{folder.name}” into {job.store}")

    with progress_for(people) as progress:
        ending = await import_folder(
            url,
            settings=settings,
            options=options,
            begun=begun,
            show=progress.show,
            manifest_path=manifest_path,
            priority=priority,
            webhook_url=webhook_url,
            ahead=ahead,
        )
    reports.ending(people, ending)
    if as_json:
        answer(reports.ending_as_json(ending))
    return ending.exit


async def show_plan(url: str, *, settings: Settings, options: JobOptions, people: People, as_json: bool) -> Exit:
    """Say what importing the folder behind a URL would do."""
    with people.console().status("Listing …") as status:
        found = await plan_folder(
            url, settings=settings, options=options, progress=lambda so_far: status.update(f"{so_far.files:,} files …")
        )
    if as_json:
        answer(reports.plan_as_json(found))
    else:
        reports.plan(people, found)
    return Exit.DONE
