"""Jobs that no worker can continue: they wait until one serves their next stage."""

from collections.abc import Collection

from msgspec.structs import replace
from sqlalchemy import Connection

from imageferry.catalog.jobs import jobs
from imageferry.errors import Reason
from imageferry.model import Crawl, Job, JobState, Message, Record, Transfer


def update_unserved(tx: Connection, *, store: str, unserved: Collection[type[Message]]) -> None:
    """Let the active jobs of a store wait whose stages are `unserved`, and continue those that are served again.

    A job that another transaction has locked is left for the next call.
    """
    for listed in jobs.unfinished(tx):
        if listed.store == store and _updated(listed, unserved) != listed:
            job = jobs.get_if_unlocked(tx, listed.id)
            if job is not None and (updated := _updated(job, unserved)) != job:
                jobs.save(tx, updated)


def _updated(job: Job, unserved: Collection[type[Message]]) -> Job:
    is_held = job.state is JobState.WAITING and job.reason is Reason.NO_WORKER
    if not (is_held or job.state in jobs.ACTIVE):
        return job
    roles = ",".join(each.__name__.lower() for each in _stages(job) if each in unserved)
    if roles:
        detail = f"No worker serves {roles}. Start one: imageferry work --role {roles}"
        return replace(job, state=JobState.WAITING, reason=Reason.NO_WORKER, detail=detail)
    if is_held:
        state = JobState.ACCEPTED if job.started_at is None else JobState.RUNNING
        return replace(job, state=state, reason=None, detail=None)
    return job


def _stages(job: Job) -> list[type[Message]]:
    """Return the stages that the job still needs, as far as it is known."""
    listing: list[type[Message]] = [Crawl] if job.open_folders else []
    return listing + ([Transfer, Record] if job.processed < job.discovered else [])
