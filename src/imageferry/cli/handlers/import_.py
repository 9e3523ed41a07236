"""`imageferry import`: one folder, to its end."""

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from imageferry.bootstrap.components import Ferry, open_ferry
from imageferry.bootstrap.limits import Limits
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.jobs.manifest import receipt
from imageferry.cli.clients.jobs import Desk
from imageferry.cli.clients.local_jobs import LocalDesk
from imageferry.cli.exit_codes import Exit, of_job
from imageferry.cli.handlers.wait_limit import Patience
from imageferry.engine.background import at_work
from imageferry.engine.cleanup_loop import tidying
from imageferry.engine.transfer_process.process import Process
from imageferry.errors import BlockedError, ImageferryError, Reason, UsageError
from imageferry.model import Folder, FolderRef, Job, JobOptions
from imageferry.pipeline.delete_images import tidy
from imageferry.pipeline.dry_run import Plan, plan
from imageferry.pipeline.submit import submit
from imageferry.settings import Settings
from imageferry.sources.registry import recognise

# The longer it takes, the less often: every twentieth part of the time that it took so far.
LOOK_EVERY_S, LOOK_EVERY_S_MAX, LOOKS_MIN = 0.1, 0.5, 20
# Whoever discards what a job stored waits for it.
TIDY_EVERY_S = 0.5


class Ending(Struct, frozen=True, kw_only=True):
    """How an import ended."""

    job: Job
    failures: dict[Reason, int]
    skips: dict[Reason, int]
    interrupted: bool
    detached: bool  # interrupted, and workers elsewhere go on with it
    seconds: float  # of this command

    @property
    def exit(self) -> Exit:
        """The command's exit code."""
        return Exit.INTERRUPTED if self.interrupted else of_job(self.job, failures=self.failures)


class Begun(Protocol):
    """Told when the import is under way."""

    def __call__(self, folder: Folder, job: Job, *, new: bool) -> None:
        """Take note of the folder, the job, and whether the job is new or gone on with."""
        ...


async def import_folder(
    url: str,
    *,
    settings: Settings,
    options: JobOptions,
    begun: Begun,
    show: Callable[[Job], None],
    manifest_path: Path | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
    limits: Limits | None = None,
    ahead: Sequence[Process] = (),
) -> Ending:
    """Import the folder behind a URL; `ahead` are processes for its movers that have begun.

    What is wrong with the URL, the folder, the store or the catalog is raised before anything is written.
    """
    started_s = time.monotonic()
    locator = recognise(url)
    if webhook_url is not None:
        from imageferry.webhooks.urls import checked  # noqa: PLC0415 - few need it

        checked(webhook_url, private_hosts=settings.webhook_private_hosts)
    if manifest_path is not None:
        _check_writable(manifest_path)
    async with open_ferry(settings, limits=limits, soon=True, ahead=ahead) as ferry:
        folder = await _found(locator, ferry=ferry)
        job, new = await submit(
            FolderRef(source=locator.source, folder_id=folder.id, resource_key=folder.resource_key),
            catalog=ferry.catalog,
            store_url=ferry.store.url,
            options=options,
            folder_name=folder.name,
            priority=priority,
            webhook_url=webhook_url,
        )
        begun(folder, job, new=new)
        watched = await _run(ferry, job.id, show=show)
        ending = await _concluded(ferry, job.id, watched, started_s=started_s)
        if manifest_path is not None:
            await _write_manifest(ferry, job.id, manifest_path)
        return ending


async def _found(locator: FolderRef, *, ferry: Ferry) -> Folder:
    """The folder, once it is known that the store takes objects: both are asked at the same time.

    What is wrong with the folder is raised first. The check is not broken off: it removes what it wrote.
    """
    folder, checked = await asyncio.gather(ferry.look_up(locator), ferry.store.check(), return_exceptions=True)
    if isinstance(folder, BaseException):
        raise folder
    if checked is not None:
        raise checked
    return folder


async def plan_folder(url: str, *, settings: Settings, options: JobOptions, progress: Callable[[Plan], None]) -> Plan:
    """What importing the folder behind a URL would do."""
    locator = recognise(url)
    async with open_ferry(settings) as ferry:
        source = ferry.sources[locator.source]
        folder = await source.resolve(locator)
        return await plan(
            folder,
            source=source,
            catalog=ferry.catalog,
            store_url=ferry.store.url,
            options=options,
            progress=progress,
        )


async def go_on(
    job_id: str,
    *,
    settings: Settings,
    move: Callable[[Desk], Awaitable[Job]],
    show: Callable[[Job], None],
    within_s: float | None = None,
    limits: Limits | None = None,
) -> Ending:
    """Take a job of the catalog in hand, then work on it until it ends, or for so long."""
    started_s = time.monotonic()
    async with open_ferry(settings, limits=limits, soon=True) as ferry:
        desk = LocalDesk(ferry.catalog)
        job = (await desk.report(job_id)).job
        if job.store != ferry.store.url:
            message = f"The job was begun for the store {job.store}: set STORE_URL to it."
            raise BlockedError(Reason.STORE_CHANGED, message)
        await move(desk)
        async with tidying(catalog=ferry.catalog, store=ferry.store, every_s=TIDY_EVERY_S):
            watched = await _run(ferry, job_id, show=show, within_s=within_s)
        return await _concluded(ferry, job_id, watched, started_s=started_s)


class _Watched(Struct, frozen=True, kw_only=True):
    """How the work on a job came to its end in this process."""

    interrupted: bool
    given_up: Job | None = None  # as it was when it had waited for too long


async def _run(ferry: Ferry, job_id: str, *, show: Callable[[Job], None], within_s: float | None = None) -> _Watched:
    """Work, or watch another process work, until the job ends or cannot go on."""
    interrupted = interruption()
    began_s = time.monotonic()
    ends_at_s = math.inf if within_s is None else began_s + within_s
    patience = Patience(ferry.settings.patience_s)
    async with at_work(ferry.engine(job_ids={job_id}), lock=ferry.lock) as working:
        while not (interrupted.is_set() or working.done()):
            job = await _get(ferry, job_id)
            if patience.ends(job):
                return _Watched(interrupted=False, given_up=job)
            show(job)
            if job.state.terminal or time.monotonic() > ends_at_s:
                break
            look_in_s = (time.monotonic() - began_s) / LOOKS_MIN
            await asyncio.wait([working], timeout=min(max(look_in_s, LOOK_EVERY_S), LOOK_EVERY_S_MAX))
    return _Watched(interrupted=interrupted.is_set())


async def _concluded(ferry: Ferry, job_id: str, watched: _Watched, *, started_s: float) -> Ending:
    await _tidy_up(ferry, watched)
    await _tell_of_the_end(ferry, job_id)
    return await _ending(ferry, job_id, watched, seconds=time.monotonic() - started_s)


async def _tidy_up(ferry: Ferry, watched: _Watched) -> None:
    """Leave nothing in the store that no record tells of, in so far as somebody is willing to wait for it."""
    if not watched.interrupted:
        with suppress(ImageferryError):  # the store is away: whoever works on it next does so
            await tidy(catalog=ferry.catalog, store=ferry.store)


async def _tell_of_the_end(ferry: Ferry, job_id: str) -> None:
    """Tell who asked for it, once: what is not taken now is tried again by a gateway, where one runs."""
    job = await _get(ferry, job_id)
    if job.state.terminal and job.webhook_url is not None:
        await ferry.deliverer().deliver(job_id=job_id)


async def _get(ferry: Ferry, job_id: str) -> Job:
    job = await ferry.catalog.read(lambda tx: jobs.get(tx, job_id))
    if job is None:
        raise BlockedError(Reason.CATALOG_UNAVAILABLE, f"The job {job_id} is not in the catalog any more.")
    return job


async def _ending(ferry: Ferry, job_id: str, watched: _Watched, *, seconds: float) -> Ending:
    job = await _get(ferry, job_id)
    given_up = watched.given_up
    if given_up is not None and not job.state.terminal:
        # It may have been about to try again: that is over with this process, and why it waited is what counts.
        job = replace(job, state=given_up.state, reason=given_up.reason, detail=given_up.detail)
    failures, skips = await ferry.catalog.read(partial(items.failures_and_skips, job=job))
    interrupted = watched.interrupted and not job.state.terminal
    return Ending(
        job=job,
        failures=dict(failures),
        skips=dict(skips),
        interrupted=interrupted,
        detached=interrupted and ferry.settings.celery_broker_url is not None,
        seconds=seconds,
    )


async def _write_manifest(ferry: Ferry, job_id: str, path: Path) -> None:
    with path.open("wb") as file:
        async for page in receipt(ferry.catalog, job_id=job_id, as_csv=path.suffix == ".csv"):
            file.write(page)


def _check_writable(path: Path) -> None:
    """Raises UsageError now, and not when hours of work are done."""
    try:
        path.open("ab").close()
    except OSError as exc:
        message = f"The manifest cannot be written to {path} ({exc.strerror}): name another file."
        raise UsageError(Reason.MISCONFIGURED, message) from exc


def interruption() -> asyncio.Event:
    """Set by the first Ctrl-C or SIGTERM; a second one ends the process as it always does."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        event.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return event
