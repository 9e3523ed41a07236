"""From a folder to a job: the flow's entrance."""

from uuid import uuid4

from imageferry.catalog import jobs
from imageferry.catalog.session import Catalog, Tx
from imageferry.catalog.sweep import wake
from imageferry.clock import utc_now
from imageferry.model import Job, JobOptions, Locator
from imageferry.pipeline.selection import check_patterns


async def submit(
    locator: Locator, *, catalog: Catalog, store_url: str, options: JobOptions, folder_name: str | None = None
) -> tuple[Job, bool]:
    """The job that imports a folder, and whether it is new.

    A job that is under way, waits or was cut off, and would do exactly the same, is gone on with, at once: two
    would bring every file twice. Raises UsageError when the options cannot be used.
    """
    check_patterns(options)
    fresh = Job(
        id=str(uuid4()),
        source=locator.source,
        folder_id=locator.folder_id,
        folder_name=folder_name,
        resource_key=locator.resource_key,
        store=store_url,
        options=options,
        created_at=utc_now(),
    )

    def change(tx: Tx) -> tuple[Job, bool]:
        twin = jobs.twin(tx, fresh)
        if twin is not None:
            return wake(tx, twin.id) or twin, False
        jobs.accept(tx, fresh)
        return fresh, True

    return await catalog.write(change)
