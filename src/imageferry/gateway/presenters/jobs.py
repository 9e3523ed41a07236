"""Jobs as API responses and events."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import progress_samples, webhook_deliveries
from imageferry.catalog.jobs.webhook_deliveries import Delivery
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.gateway.schemas import jobs as schemas
from imageferry.model import Job, JobOptions, JobState
from imageferry.progress_estimate import ProgressSample, estimate, take_sample
from imageferry.sources.registry import folder_url


def job_views(tx: Tx, listed: Sequence[Job]) -> list[schemas.Job]:
    """Return jobs with their current rates, remaining times and webhook deliveries, in the same order."""
    running_ids = [job.id for job in listed if not job.state.is_terminal]
    recent = progress_samples.recent(tx, job_ids=running_ids, now=utc_now())
    deliveries = webhook_deliveries.latest_by_job(tx, [job.id for job in listed if job.webhook_url is not None])
    return [_job_view(job, recent=recent.get(job.id, ()), delivery=deliveries.get(job.id)) for job in listed]


def job_links(job_id: str) -> schemas.JobLinks:
    """Return the URLs of a job."""
    return schemas.JobLinks(
        self=f"/api/jobs/{job_id}",
        status=f"/api/import/status/{job_id}",
        manifest=f"/api/jobs/{job_id}/manifest.jsonl",
        events="/api/events",
    )


def _job_view(job: Job, *, recent: Sequence[ProgressSample], delivery: Delivery | None) -> schemas.Job:
    rate, eta = _rate_and_time_left(job, recent)
    return schemas.Job(
        id=job.id,
        state=job.state,
        reason=job.reason,
        detail=job.detail,
        mender=None if job.reason is None else job.reason.fix_by,
        source=job.source,
        source_url=folder_url(job.source, job.folder_id, resource_key=job.resource_key),
        folder_id=job.folder_id,
        folder_name=job.folder_name,
        store=job.store,
        options=_options(job.options),
        priority=job.priority,
        webhook_url=job.webhook_url,
        webhook=None if delivery is None else schemas.WebhookStatus.model_validate(delivery, from_attributes=True),
        actions=list(job.actions),
        listing_done=job.open_folders == 0,
        discovered=job.discovered,
        processed=job.processed,
        stored=job.stored,
        skipped=job.skipped,
        unchanged=job.unchanged,
        failed=job.failed,
        bytes_discovered=job.bytes_discovered,
        bytes_stored=job.bytes_stored,
        bytes_transferred=job.bytes_transferred,
        rate=rate,
        eta=eta,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        links=job_links(job.id),
    )


def _options(options: JobOptions) -> schemas.JobOptions:
    return schemas.JobOptions(
        recursive=options.recursive,
        include=list(options.include),
        exclude=list(options.exclude),
        mime_types=list(options.mime_types),
        size_min=options.size_bytes_min,
        size_max=options.size_bytes_max,
        modified_after=options.modified_after,
        modified_before=options.modified_before,
        on_change=options.on_change,
    )


def _rate_and_time_left(
    job: Job, recent: Sequence[ProgressSample]
) -> tuple[schemas.TransferRate | None, schemas.TimeLeft | None]:
    if job.state is not JobState.RUNNING or not recent:
        return None, None
    # A sample of now: without new events the job has made no progress, and its rate must drop.
    now = take_sample(job, at_s=max(utc_now().replace(tzinfo=UTC).timestamp(), recent[-1].at_s))
    current = estimate(job, [*recent, now])
    rate = schemas.TransferRate(
        files_per_second=round(current.files_per_s, 3), bytes_per_second=round(current.bytes_per_s, 3)
    )
    if current.remaining_s is None:
        return rate, None
    min_s, max_s = current.remaining_s
    return rate, schemas.TimeLeft(min_s=round(min_s, 3), max_s=round(max_s, 3))


def reason_counts(counts: Mapping[Reason, int]) -> list[schemas.ReasonCount]:
    """Return the number of files by reason, the most frequent reason first."""
    return [
        schemas.ReasonCount(reason=reason, title=reason.sentence, mender=reason.fix_by, mend=reason.fix, count=count)
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
