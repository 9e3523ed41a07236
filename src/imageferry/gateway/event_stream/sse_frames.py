"""Server-sent events as bytes: updates, unfinished jobs, replay of missed events, and reset."""

from collections.abc import Collection, Mapping, Sequence

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.events.event_log import Event, EventKind
from imageferry.catalog.events.gap_tracker import EventOffset
from imageferry.catalog.jobs import jobs
from imageferry.gateway.presenters.jobs import job_views
from imageferry.gateway.schemas.events import ImagesDeleted, ImagesStored, JobRemoved, Reset

COMMENT = format_sse_event(comment="")
RECONNECT_AFTER_MS = 1_000
# A client that missed more than this is sent a reset.
REPLAY_EVENTS_MAX = 20_000
REPLAY_FRAMES_MAX = 500
UNFINISHED_JOBS_MAX = 200

Frame = tuple[str, BaseModel]


def catch_up_frames(tx: Tx, *, last_offset: EventOffset | None, newest_offset: EventOffset) -> bytes:
    """Return the first frames of a stream: what the client missed between the two offsets.

    Without a last offset these are the unfinished jobs. When the client missed too much, it is one reset frame.
    """
    hello = format_sse_event(retry=RECONNECT_AFTER_MS)
    if last_offset is None:
        unfinished_ids = [job.id for job in jobs.unfinished(tx)][-UNFINISHED_JOBS_MAX:]
        return hello + _encode(_job_frames(tx, unfinished_ids), offset=newest_offset)
    if last_offset.last_id != newest_offset.last_id and not event_log.has_all_after(tx, last_offset.last_id):
        return hello + reset_frame(newest_offset)
    events = event_log.events_after(
        tx,
        last_offset.last_id,
        last_id=newest_offset.last_id,
        limit=REPLAY_EVENTS_MAX,
        skipped_ids=last_offset.skipped_ids,
    )
    if len({event.job_id or event.id for event in events}) > REPLAY_FRAMES_MAX:
        return hello + reset_frame(newest_offset)
    stored_counts = {event.job_id: event.stored for event in events if event.job_id and event.stored}
    offset = EventOffset(max(newest_offset.last_id, last_offset.last_id), newest_offset.skipped_ids)
    return hello + _encode(_frames(tx, events, stored_counts=stored_counts), offset=offset)


def update_frames(tx: Tx, events: Sequence[Event], *, stored_counts: Mapping[str, int], offset: EventOffset) -> bytes:
    """Return the frames of new events: each changed job once, in its current state.

    `stored_counts` has the number of stored files of each job that stored more; these get an `images` frame.
    """
    return _encode(_frames(tx, events, stored_counts=stored_counts), offset=offset)


def reset_frame(offset: EventOffset) -> bytes:
    """Return the frame that makes a client reload everything."""
    return _encode([("reset", Reset())], offset=offset)


def _frames(tx: Tx, events: Sequence[Event], *, stored_counts: Mapping[str, int]) -> list[Frame]:
    changed_ids = dict.fromkeys(event.job_id for event in events if event.job_id is not None)
    frames: list[Frame] = [
        ("images", ImagesStored(job_id=job_id, stored=count)) for job_id, count in stored_counts.items()
    ]
    frames += _job_frames(tx, changed_ids)
    for event in events:
        if event.kind is EventKind.IMAGES_DELETED:
            ids = None if event.image_ids is None else list(event.image_ids)
            frames.append((event.kind, ImagesDeleted(ids=ids)))
        if event.kind is EventKind.JOB_REMOVED and event.job_id is not None:
            frames.append((event.kind, JobRemoved(id=event.job_id)))
    return frames


def _job_frames(tx: Tx, job_ids: Collection[str]) -> list[Frame]:
    """Return a frame for each job that still exists, in its current state."""
    return [("job", job) for job in job_views(tx, jobs.by_ids(tx, job_ids))]


def _encode(frames: Sequence[Frame], *, offset: EventOffset) -> bytes:
    """Encode frames. Only the last one has an id, the offset: a connection may break between any two frames."""
    encoded = [_encode_frame(event, body) for event, body in frames[:-1]]
    last = _encode_frame(*frames[-1], offset=offset) if frames else format_sse_event(id=str(offset))
    return b"".join([*encoded, last])


def _encode_frame(event: str, body: BaseModel, *, offset: EventOffset | None = None) -> bytes:
    return format_sse_event(event=event, data_str=body.model_dump_json(), id=None if offset is None else str(offset))
