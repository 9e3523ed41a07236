"""The commands, their flags and what they print: answers on stdout, everything for people on stderr."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from imageferry import __version__
from imageferry.cli import image_commands, job_commands, report
from imageferry.cli.answer import answer
from imageferry.cli.asking import ask
from imageferry.cli.doctoring import examine
from imageferry.cli.exits import Exit
from imageferry.cli.importing import import_folder, plan_folder
from imageferry.cli.migrating import migrate_catalog
from imageferry.cli.progress import progress_on
from imageferry.cli.running import people, run
from imageferry.cli.settings_file import settings_file
from imageferry.model import Folder, Job, JobOptions, OnChange
from imageferry.settings import Settings

app = typer.Typer(
    name="imageferry",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Carries every image of a Google Drive folder into your own object store, verified, with a catalog in SQL.",
    epilog=(
        "Exit codes: 0 all stored, 1 some files failed, 2 usage, 3 folder not found, 5 try again later, "
        "7 something must be mended, 130 interrupted. Settings come from the environment and from a .env file."
    ),
)
DAY = "%Y-%m-%d"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.")]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="STORE_URL",
        metavar="URL",
        help="Where to: s3://bucket/prefix, az://, gs://, or a folder.",
        show_default=False,
    ),
]


def main() -> None:
    """Run the command line."""
    app()


@app.callback(invoke_without_command=True)
def _options(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,  # noqa: FBT002 - a flag
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    del ctx


@app.command("import")
def import_(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="A Google Drive folder's link, of any shape, or its ID.", show_default=False
        ),
    ],
    *,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Import only files that match, as '*.jpg' or 'Raw/**'. May be given again."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave out files that match. May be given again.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive/--no-recursive", help="Import sub-folders too.")] = True,
    mime_type: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Import only this type, as image/jpeg. May be given again."),
    ] = None,
    size_min: Annotated[
        int | None, typer.Option(min=0, metavar="BYTES", help="Import only files of so many bytes or more.")
    ] = None,
    size_max: Annotated[
        int | None, typer.Option(min=0, metavar="BYTES", help="Import only files of so many bytes or fewer.")
    ] = None,
    modified_after: Annotated[
        datetime | None, typer.Option(formats=[DAY], help="Import only files changed on this day (UTC) or later.")
    ] = None,
    modified_before: Annotated[
        datetime | None, typer.Option(formats=[DAY], help="Import only files changed before this day (UTC).")
    ] = None,
    on_change: Annotated[
        OnChange, typer.Option(help="A stored file that changed at the source: bring the new one, or keep ours.")
    ] = OnChange.REPLACE,
    priority: Annotated[
        int, typer.Option(min=-10, max=10, help="Higher ones are served first where jobs share workers.")
    ] = 0,
    webhook_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Tell this URL of the end.", show_default=False)
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, metavar="N", envvar="IMAGEFERRY_CONCURRENCY", help="Files at once. [default: 32]"
        ),
    ] = None,
    store: StoreUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; move no byte and start no job.")] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the receipt here at the end: id, key, size, digest and outcome of each file, "
            "as JSON Lines, or as CSV when the name ends in .csv.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a folder: list it, bring every image into the store, verify it, record it.

    The same command again goes on where it was cut off; once all is stored it moves only what is new or
    changed. Ctrl-C stops cleanly.
    """
    options = JobOptions(
        recursive=recursive,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        mime_types=tuple(mime_type or ()),
        size_bytes_min=size_min,
        size_bytes_max=size_max,
        modified_after=modified_after and modified_after.date(),
        modified_before=modified_before and modified_before.date(),
        on_change=on_change,
    )
    if dry_run:
        work = partial(_plan, url=url, options=options, as_json=as_json)
    else:
        begin = partial(_import, url=url, options=options, priority=priority, webhook_url=webhook_url)
        work = partial(begin, manifest=manifest, as_json=as_json)
    run(work, as_json=as_json, store_url=store, concurrency=concurrency)


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(envvar="HOST", help="[default: 127.0.0.1]", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(envvar="PORT", help="[default: 8000]", show_default=False)] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            envvar="IMAGEFERRY_INSECURE",
            help="Serve the network without a token: for a proxy in front that knows its users.",
        ),
    ] = False,
    store: StoreUrl = None,
) -> None:
    """Serve the HTTP interface and the page, and run all jobs; unfinished ones go on by themselves.

    On another address than this machine's own it wants IMAGEFERRY_API_TOKEN, and asks every caller for it.
    """
    from imageferry.gateway.serve import Ready  # noqa: PLC0415 - only this command needs it
    from imageferry.gateway.serve import serve as serve_gateway  # noqa: PLC0415

    say = partial(people.print, markup=False, soft_wrap=True)

    def tell(ready: Ready) -> None:
        say(f"imageferry is at {ready.url} (Ctrl-C ends it).")
        if ready.sign_in_url is not None:
            say(f"Sign in, once and within ten minutes: {ready.sign_in_url}")

    async def work(settings: Settings) -> Exit:
        await serve_gateway(settings, on_ready=tell)
        return Exit.DONE

    run(work, host=host, port=port, insecure=insecure or None, store_url=store)


@app.command()
def work(
    *,
    role: Annotated[
        str, typer.Option(metavar="ROLES", help="Which stages to serve: any of crawl, transfer, record, with commas.")
    ] = "crawl,transfer,record",
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=256,
            metavar="N",
            envvar="IMAGEFERRY_PROCESSES",
            help="Child processes. [default: one a processor]",
        ),
    ] = None,
    store: StoreUrl = None,
) -> None:
    """Work for the jobs of a gateway elsewhere, over the broker that CELERY_BROKER_URL names.

    `crawl` needs the source and the catalog, `record` the catalog, `transfer` the source and the store and no
    catalog. Any number of workers may run; one that stops gives back what it had begun.
    """
    from imageferry.cli.working import work_for  # noqa: PLC0415 - only this command needs Celery

    run(partial(work_for, roles=role), worker_processes=processes, store_url=store)


@app.command()
def demo(
    *,
    pictures: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Serve this folder of your own pictures as if it were on Drive.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(envvar="PORT", help="[default: 8000]", show_default=False)] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Try it offline: a stand-in for Drive on this machine, an import from it, and a page that shows the pictures.

    Everything it makes is in a temporary folder that goes away with it.
    """
    from imageferry.cli.demonstrating import demonstrate  # noqa: PLC0415 - only this command needs it

    work = partial(
        demonstrate, pictures=pictures, browser=browser, say=partial(people.print, markup=False, soft_wrap=True)
    )
    run(work, port=port)


app.add_typer(job_commands.app)
app.add_typer(image_commands.app)


@app.command()
def doctor(*, server: job_commands.Server = None, as_json: AsJson = False) -> None:
    """Try everything that an import leans on, and say what to mend; of a gateway elsewhere, whether it is well."""
    run(partial(examine, people=people, as_json=as_json), as_json=as_json, server_url=server)


@app.command()
def health(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="[default: IMAGEFERRY_HEALTH_PORT, else PORT]", show_default=False),
    ] = None,
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether what it leans on answers, too.")] = False,
) -> None:
    """Ask the gateway or worker of this machine whether it is well: exit code 0 when it is, 1 when not."""
    run(partial(ask, port=port, ready=ready, people=people))


@app.command()
def settings() -> None:
    """Print every setting with its meaning and its default, as a .env file in which each is commented out."""
    typer.echo(settings_file(), nl=False)


@app.command()
def migrate(
    *,
    recount: Annotated[
        bool,
        typer.Option("--recount", help="Count all images anew; imports wait for it, up to a minute a million."),
    ] = False,
) -> None:
    """Bring the catalog's schema up to date; every other command does so by itself when it is needed."""
    run(partial(migrate_catalog, say=people.print, recounted=recount))


async def _import(
    settings: Settings,
    *,
    url: str,
    options: JobOptions,
    priority: int,
    webhook_url: str | None,
    manifest: Path | None,
    as_json: bool,
) -> Exit:
    def begun(folder: Folder, job: Job, *, new: bool) -> None:
        verb = "Importing" if new else "Going on with the import of"
        people.print(f"{verb} “{folder.name}” into {job.store}", markup=False, soft_wrap=True)

    with progress_on(people) as progress:
        ending = await import_folder(
            url,
            settings=settings,
            options=options,
            begun=begun,
            show=progress.show,
            manifest_path=manifest,
            priority=priority,
            webhook_url=webhook_url,
        )
    report.ending(people, ending)
    if as_json:
        answer(report.ending_as_json(ending))
    return ending.exit


async def _plan(settings: Settings, *, url: str, options: JobOptions, as_json: bool) -> Exit:
    with people.status("Listing …") as status:
        found = await plan_folder(
            url, settings=settings, options=options, progress=lambda so_far: status.update(f"{so_far.files:,} files …")
        )
    if as_json:
        answer(report.plan_as_json(found))
    else:
        report.plan(people, found)
    return Exit.DONE
