"""Import a folder, or continue a job, until it finishes or can't continue; and plan an import."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imageferry.application.request_check import check_request
from imageferry.application.results import ImportResult
from imageferry.application.wait_limit import WaitLimit
from imageferry.bootstrap.components import Components, open_components
from imageferry.bootstrap.limits import Limits
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.jobs.manifest import stream_manifest
from imageferry.engine.background import running
from imageferry.engine.cleanup_loop import periodic_cleanup
from imageferry.errors import BlockedError, ImageferryError, Reason, UsageError
from imageferry.log import log
from imageferry.model import Folder, FolderRef, Job, JobOptions
from imageferry.pipeline.delete_images import finish_deletions
from imageferry.pipeline.dry_run import Plan, plan_import
from imageferry.pipeline.submit import submit
from imageferry.settings import Settings
from imageferry.sources.registry import parse_folder_url
from imageferry.subprocess_protocol.child_process import ChildProcess

# The poll interval grows with the elapsed time: a twentieth of it, within these bounds.
POLL_S_MIN, POLL_S_MAX, POLLS_MIN = 0.1, 0.5, 20
# The caller waits until the images of a discarded job are deleted.
CLEANUP_INTERVAL_S = 0.5

# Called with the folder, the job, and whether the job is new (False: an unfinished job is continued).
OnStart = Callable[[Folder, Job, bool], None]
OnProgress = Callable[[Job], None]


async def run_import(
    url: str,
    *,
    settings: Settings,
    options: JobOptions,
    on_start: OnStart | None = None,
    on_progress: OnProgress | None = None,
    stop: asyncio.Event | None = None,
    manifest_path: Path | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
    limits: Limits | None = None,
    preforked: Sequence[ChildProcess] = (),
) -> ImportResult:
    """Import the folder at a URL. Setting `stop`, or cancelling the task, leaves a job that can be resumed.

    Raise ImageferryError before anything is written when the URL, the folder, the store or the catalog is not usable.
    """
    started_s = time.monotonic()
    folder_ref = check_request(url, webhook_url=webhook_url, settings=settings)
    if manifest_path is not None:
        _check_writable(manifest_path)
    async with open_components(settings, limits=limits, start_now=True, preforked=preforked) as components:
        folder = await _resolve_folder(folder_ref, components=components)
        job, is_new = await submit(
            FolderRef(source=folder_ref.source, folder_id=folder.id, resource_key=folder.resource_key),
            catalog=components.catalog,
            store_url=components.store.url,
            options=options,
            folder_name=folder.name,
            priority=priority,
            webhook_url=webhook_url,
        )
        if on_start is not None:
            on_start(folder, job, is_new)
        work = await _work_on_job(components, job.id, on_progress=on_progress, stop=stop)
        result = await _finish(components, job.id, work, started_s=started_s)
        if manifest_path is not None:
            await _write_manifest(components, job.id, manifest_path)
        return result


async def continue_job(
    job_id: str,
    *,
    settings: Settings,
    action: Callable[[Catalog], Awaitable[Job]],
    on_start: Callable[[], None] | None = None,
    on_progress: OnProgress | None = None,
    stop: asyncio.Event | None = None,
    work_s_max: float | None = None,
    limits: Limits | None = None,
) -> ImportResult:
    """Apply `action` (resume, retry, cancel) to a job, then work on it until it finishes, for at most `work_s_max`.

    Raise NotFoundError when there is no such job, and BlockedError when it belongs to another store.
    """
    started_s = time.monotonic()
    async with open_components(settings, limits=limits, start_now=True) as components:
        job = await components.catalog.read(lambda tx: jobs.get_existing(tx, job_id))
        if job.store != components.store.url:
            message = f"This job imports into {job.store}. Set STORE_URL to it."
            raise BlockedError(Reason.DIFFERENT_STORE, message)
        await action(components.catalog)
        if on_start is not None:
            on_start()
        async with periodic_cleanup(catalog=components.catalog, store=components.store, interval_s=CLEANUP_INTERVAL_S):
            work = await _work_on_job(components, job_id, on_progress=on_progress, stop=stop, work_s_max=work_s_max)
        return await _finish(components, job_id, work, started_s=started_s)


async def plan_folder(
    url: str, *, settings: Settings, options: JobOptions, on_progress: Callable[[Plan], None] = lambda _: None
) -> Plan:
    """Return what importing the folder at a URL would do. Nothing is transferred, and no job is created."""
    folder_ref = parse_folder_url(url)
    async with open_components(settings) as components:
        source = components.sources[folder_ref.source]
        folder = await source.resolve(folder_ref)
        return await plan_import(
            folder,
            source=source,
            catalog=components.catalog,
            store_url=components.store.url,
            options=options,
            progress=on_progress,
        )


class _Work(Struct, frozen=True, kw_only=True):
    """How the work on a job ended in this process."""

    stopped: bool
    abandoned: Job | None = None  # the job as it was when it had waited for too long


async def _resolve_folder(folder_ref: FolderRef, *, components: Components) -> Folder:
    """Resolve the folder and check the store at the same time; an error of the folder takes precedence.

    The check of the store always runs to its end, because it deletes the object that it wrote. What the store does not
    permit is logged.
    """
    folder, permissions = await asyncio.gather(
        components.resolve_folder(folder_ref), components.store.check(), return_exceptions=True
    )
    if isinstance(folder, BaseException):
        raise folder
    if isinstance(permissions, BaseException):
        raise permissions
    for sentence in permissions.sentences:
        log.warning("store.permission_missing", detail=sentence)
    return folder


async def _work_on_job(
    components: Components,
    job_id: str,
    *,
    on_progress: OnProgress | None,
    stop: asyncio.Event | None,
    work_s_max: float | None = None,
) -> _Work:
    """Run the engine, or watch another process run it, until the job finishes or can't continue."""
    stop = stop or asyncio.Event()
    started_s = time.monotonic()
    ends_at_s = math.inf if work_s_max is None else started_s + work_s_max
    wait_limit = WaitLimit(components.settings.wait_s)
    async with running(components.engine(job_ids={job_id}), lock=components.lock) as engine_task:
        while not (stop.is_set() or engine_task.done()):
            job = await _get_job(components, job_id)
            if wait_limit.is_exceeded(job):
                return _Work(stopped=False, abandoned=job)
            if on_progress is not None:
                on_progress(job)
            if job.state.is_terminal or time.monotonic() > ends_at_s:
                break
            poll_s = (time.monotonic() - started_s) / POLLS_MIN
            await asyncio.wait([engine_task], timeout=min(max(poll_s, POLL_S_MIN), POLL_S_MAX))
    return _Work(stopped=stop.is_set())


async def _finish(components: Components, job_id: str, work: _Work, *, started_s: float) -> ImportResult:
    if not work.stopped:
        with suppress(ImageferryError):  # the store is unavailable: the next process that works on it cleans up
            await finish_deletions(catalog=components.catalog, store=components.store)
    await _send_webhook(components, job_id)
    return await _result(components, job_id, work, elapsed_s=time.monotonic() - started_s)


async def _send_webhook(components: Components, job_id: str) -> None:
    """Try once to deliver the webhook of a finished job; a gateway retries a failed delivery."""
    job = await _get_job(components, job_id)
    if job.state.is_terminal and job.webhook_url is not None:
        await components.webhook_deliverer().deliver(job_id=job_id)


async def _result(components: Components, job_id: str, work: _Work, *, elapsed_s: float) -> ImportResult:
    job = await _get_job(components, job_id)
    if work.abandoned is not None and not job.state.is_terminal:
        # The engine may have started another probe since. Report why the job waited.
        waiting = work.abandoned
        job = replace(job, state=waiting.state, reason=waiting.reason, detail=waiting.detail)
    failures, skips = await components.catalog.read(partial(items.failure_and_skip_counts, job=job))
    interrupted = work.stopped and not job.state.is_terminal
    return ImportResult(
        job=job,
        failures=dict(failures),
        skips=dict(skips),
        interrupted=interrupted,
        detached=interrupted and components.settings.celery_broker_url is not None,
        elapsed_s=elapsed_s,
    )


async def _get_job(components: Components, job_id: str) -> Job:
    job = await components.catalog.read(lambda tx: jobs.get(tx, job_id))
    if job is None:
        raise BlockedError(Reason.CATALOG_UNAVAILABLE, f"The job {job_id} is no longer in the catalog.")
    return job


async def _write_manifest(components: Components, job_id: str, path: Path) -> None:
    with path.open("wb") as file:
        async for page in stream_manifest(components.catalog, job_id=job_id, as_csv=path.suffix == ".csv"):
            file.write(page)


def _check_writable(path: Path) -> None:
    """Raise UsageError before the import starts, instead of after hours of work."""
    try:
        path.open("ab").close()
    except OSError as exc:
        message = f"Can't write the manifest to {path} ({exc.strerror}). Choose another file."
        raise UsageError(Reason.MISCONFIGURED, message) from exc
