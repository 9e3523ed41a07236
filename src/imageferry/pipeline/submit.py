"""Submits an import: creates a job for a folder, or returns the unfinished job that does the same."""

import asyncio
from uuid import uuid4

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import idempotency_keys, jobs
from imageferry.catalog.jobs.idempotency_keys import RequestKey
from imageferry.catalog.ledger.job_actions import resume, set_priority
from imageferry.clock import utc_now
from imageferry.errors import KeyReusedError, Reason
from imageferry.model import FolderRef, Job, JobOptions
from imageferry.pipeline.crawl.selection import check_options


async def submit(
    folder_ref: FolderRef,
    *,
    catalog: Catalog,
    store_url: str,
    options: JobOptions,
    folder_name: str | None = None,
    priority: int = 0,
    webhook_url: str | None = None,
    request_key: RequestKey | None = None,
) -> tuple[Job, bool]:
    """Return the job that imports a folder, and whether it is new.

    An unfinished job that would do exactly the same is resumed instead of creating a second one, which would transfer
    every file twice. The same `request_key` always returns the same job, even if that has finished.

    Raises UsageError for unusable options, KeyReusedError if the key was used for a different request.
    """
    await asyncio.to_thread(check_options, options)
    new_job = Job(
        id=str(uuid4()),
        source=folder_ref.source,
        folder_id=folder_ref.folder_id,
        folder_name=folder_name,
        resource_key=folder_ref.resource_key,
        store=store_url,
        options=options,
        priority=priority,
        webhook_url=webhook_url,
        created_at=utc_now(),
    )

    def change(tx: Tx) -> tuple[Job, bool]:
        existing = request_key and _find_by_key(tx, request_key)
        if existing:
            return existing, False
        # Of two concurrent requests for one folder, the second waits here, or rolls back and finds the first's job.
        folder_key = _folder_key(new_job)
        is_key_known = idempotency_keys.lock(tx, folder_key)
        duplicate = jobs.find_duplicate(tx, new_job)
        if duplicate is None:
            jobs.create(tx, new_job)
            (idempotency_keys.rebind if is_key_known else idempotency_keys.bind)(tx, folder_key, job_id=new_job.id)
        job = new_job if duplicate is None else _resume(tx, duplicate, priority=priority)
        if request_key is not None:
            idempotency_keys.bind(tx, request_key, job_id=job.id)
        return job, duplicate is None

    return await catalog.write(change)


def _folder_key(job: Job) -> RequestKey:
    # No client's key can equal it: a header contains no NUL.
    return RequestKey(f"\0{job.source}\0{job.folder_id}\0{job.store}", "")


def _find_by_key(tx: Tx, request_key: RequestKey) -> Job | None:
    use = idempotency_keys.lookup(tx, request_key)
    if use is None:
        return None
    if not use.is_same:
        raise KeyReusedError(Reason.KEY_REUSED, f"{Reason.KEY_REUSED.sentence} {Reason.KEY_REUSED.fix}")
    return jobs.get(tx, use.job_id)


def _resume(tx: Tx, duplicate: Job, *, priority: int) -> Job:
    job = resume(tx, duplicate.id)
    return set_priority(tx, job.id, priority=priority) if priority > job.priority else job
