"""From a folder to a job: the flow's entrance."""

from uuid import uuid4

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import idempotency_keys, jobs
from imageferry.catalog.jobs.idempotency_keys import RequestKey
from imageferry.catalog.ledger.job_actions import prioritise, resume
from imageferry.clock import utc_now
from imageferry.errors import KeyReusedError, Reason
from imageferry.model import FolderRef, Job, JobOptions
from imageferry.pipeline.crawl.selection import check_options


async def submit(
    locator: FolderRef,
    *,
    catalog: Catalog,
    store_url: str,
    options: JobOptions,
    folder_name: str | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
    request: RequestKey | None = None,
) -> tuple[Job, bool]:
    """The job that imports a folder, and whether it is new.

    A job that is under way, waits, is paused or was cut off, and would do exactly the same, is gone on with, at once:
    two would bring every file twice. The same `request` is the same job, also when that has ended since.

    Raises UsageError when the options cannot be used, KeyReusedError when the key of the request stands for another.
    """
    check_options(options)
    fresh = Job(
        id=str(uuid4()),
        source=locator.source,
        folder_id=locator.folder_id,
        folder_name=folder_name,
        resource_key=locator.resource_key,
        store=store_url,
        options=options,
        priority=priority,
        webhook_url=webhook_url,
        created_at=utc_now(),
    )

    def change(tx: Tx) -> tuple[Job, bool]:
        known = request and _known(tx, request)
        if known:
            return known, False
        # Of two who ask for the same folder at once, one waits for the other here, or rolls back and finds its job.
        folder = _of_folder(fresh)
        is_known = idempotency_keys.hold(tx, folder)
        twin = jobs.twin(tx, fresh)
        if twin is None:
            jobs.accept(tx, fresh)
            (idempotency_keys.renew if is_known else idempotency_keys.remember)(tx, folder, job_id=fresh.id)
        job = fresh if twin is None else _gone_on_with(tx, twin, priority=priority)
        if request is not None:
            idempotency_keys.remember(tx, request, job_id=job.id)
        return job, twin is None

    return await catalog.write(change)


def _of_folder(job: Job) -> RequestKey:
    # No client can send this as a key of its own: a header holds no NUL.
    return RequestKey(f"\0{job.source}\0{job.folder_id}\0{job.store}", "")


def _known(tx: Tx, request: RequestKey) -> Job | None:
    begun = idempotency_keys.begun(tx, request)
    if begun is None:
        return None
    if not begun.is_same:
        message = "This Idempotency-Key was sent with another request before: send another key."
        raise KeyReusedError(Reason.KEY_REUSED, message)
    return jobs.get(tx, begun.job_id)


def _gone_on_with(tx: Tx, twin: Job, *, priority: int) -> Job:
    job = resume(tx, twin.id)
    return prioritise(tx, job.id, priority=priority) if priority > job.priority else job
