"""Jobs as they are told: in answers and in events."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.jobs import progress_samples, webhook_deliveries
from imageferry.catalog.jobs.webhook_deliveries import Delivery
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.gateway.schemas import jobs as schemas
from imageferry.model import Job, JobOptions, JobState
from imageferry.progress_estimate import Sample, estimate, sample
from imageferry.sources.registry import folder_url


def told(tx: Tx, listed: Sequence[Job]) -> list[schemas.Job]:
    """Jobs as they are shown, each with its rate and the time left by its last seconds, and how its webhook went."""
    under_way = [job.id for job in listed if not job.state.terminal]
    recent = progress_samples.recent(tx, job_ids=under_way, now=utc_now())
    delivered = webhook_deliveries.latest(tx, [job.id for job in listed if job.webhook_url is not None])
    return [_shown(job, recent=recent.get(job.id, ()), delivery=delivered.get(job.id)) for job in listed]


def links(job_id: str) -> schemas.JobLinks:
    """Where more is told of a job."""
    return schemas.JobLinks(
        self=f"/api/jobs/{job_id}",
        status=f"/api/import/status/{job_id}",
        manifest=f"/api/jobs/{job_id}/manifest.jsonl",
        events="/api/events",
    )


def _shown(job: Job, *, recent: Sequence[Sample], delivery: Delivery | None) -> schemas.Job:
    rate, eta = _outlook(job, recent)
    return schemas.Job(
        id=job.id,
        state=job.state,
        reason=job.reason,
        detail=job.detail,
        mender=None if job.reason is None else job.reason.mender,
        source=job.source,
        source_url=folder_url(job.source, job.folder_id, resource_key=job.resource_key),
        folder_id=job.folder_id,
        folder_name=job.folder_name,
        store=job.store,
        options=_options(job.options),
        priority=job.priority,
        webhook_url=job.webhook_url,
        webhook=None if delivery is None else schemas.Webhook.model_validate(delivery, from_attributes=True),
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
        bytes_moved=job.bytes_moved,
        rate=rate,
        eta=eta,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        links=links(job.id),
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


def _outlook(job: Job, recent: Sequence[Sample]) -> tuple[schemas.Rate | None, schemas.Eta | None]:
    if job.state is not JobState.RUNNING or not recent:
        return None, None
    # It stands still as long as nothing is told of it.
    now = sample(job, at_s=max(utc_now().replace(tzinfo=UTC).timestamp(), recent[-1].at_s))
    told = estimate(job, [*recent, now])
    rate = schemas.Rate(files_s=round(told.files_s, 3), bytes_s=round(told.bytes_s, 3))
    eta = told.left_s and schemas.Eta(min_s=round(told.left_s[0], 3), max_s=round(told.left_s[1], 3))
    return rate, eta


def causes(counts: Mapping[Reason, int]) -> list[schemas.Cause]:
    """Return the reasons with their counts, the most frequent first."""
    return [
        schemas.Cause(reason=reason, title=reason.sentence, mender=reason.mender, mend=reason.mend, count=count)
        for reason, count in sorted(counts.items(), key=lambda counted: -counted[1])
    ]
