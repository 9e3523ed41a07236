"""Server-sent events as bytes: what happened, what is under way, and what was missed."""

from collections.abc import Collection, Mapping, Sequence

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.events.event_log import Event, EventKind
from imageferry.catalog.events.gap_tracker import Place
from imageferry.catalog.jobs import jobs
from imageferry.gateway.presenters.jobs import told
from imageferry.gateway.schemas.events import ImagesDeleted, ImagesStored, JobRemoved, Missed

COMMENT = format_sse_event(comment="")
RECONNECT_AFTER_MS = 1_000
# Who missed more than this is told to load everything anew.
REPLAY_EVENTS_MAX = 20_000
REPLAY_FRAMES_MAX = 500
UNFINISHED_MAX = 200

Frame = tuple[str, BaseModel]


def opening(tx: Tx, *, heard: Place | None, at: Place) -> bytes:
    """What a client hears first: what it missed, up to `at`; where it heard nothing yet, what is under way."""
    hello = format_sse_event(retry=RECONNECT_AFTER_MS)
    if heard is None:
        return hello + _ending_at(at, _jobs(tx, [job.id for job in jobs.unfinished(tx)][-UNFINISHED_MAX:]))
    if heard.last_id != at.last_id and not event_log.is_kept(tx, heard.last_id):
        return hello + missed(at)
    happened = event_log.after(tx, heard.last_id, until=at.last_id, limit=REPLAY_EVENTS_MAX, late=heard.late)
    told_of = {event.job_id or event.id for event in happened}
    if len(told_of) > REPLAY_FRAMES_MAX:
        return hello + missed(at)
    stored = {event.job_id: event.stored for event in happened if event.job_id and event.stored}
    by_then = Place(max(at.last_id, heard.last_id), at.late)
    return hello + _ending_at(by_then, _frames(tx, happened, stored=stored))


def telling(tx: Tx, happened: Sequence[Event], *, stored: Mapping[str, int], at: Place) -> bytes:
    """What every client hears of what happened: each job once, as it is now, and its images where more are stored."""
    return _ending_at(at, _frames(tx, happened, stored=stored))


def missed(at: Place) -> bytes:
    """What a client hears that has to load everything anew."""
    return _ending_at(at, [("reset", Missed())])


def _frames(tx: Tx, happened: Sequence[Event], *, stored: Mapping[str, int]) -> list[Frame]:
    changed = dict.fromkeys(event.job_id for event in happened if event.job_id is not None)
    frames: list[Frame] = [("images", ImagesStored(job_id=job_id, stored=count)) for job_id, count in stored.items()]
    frames += _jobs(tx, changed)
    for event in happened:
        if event.kind is EventKind.IMAGES_DELETED:
            ids = None if event.image_ids is None else list(event.image_ids)
            frames.append((event.kind, ImagesDeleted(ids=ids)))
        if event.kind is EventKind.JOB_REMOVED and event.job_id is not None:
            frames.append((event.kind, JobRemoved(id=event.job_id)))
    return frames


def _jobs(tx: Tx, job_ids: Collection[str]) -> list[Frame]:
    """Jobs as they are now; one that is not there any more has nothing to tell."""
    return [("job", job) for job in told(tx, jobs.of_ids(tx, job_ids))]


def _ending_at(at: Place, frames: Sequence[Frame]) -> bytes:
    """Frames, the last with the place up to which a client has heard everything by then: a line may be cut anywhere."""
    said = [_frame(event, body) for event, body in frames[:-1]]
    last = _frame(*frames[-1], at=at) if frames else format_sse_event(id=str(at))
    return b"".join([*said, last])


def _frame(event: str, body: BaseModel, *, at: Place | None = None) -> bytes:
    return format_sse_event(event=event, data_str=body.model_dump_json(), id=None if at is None else str(at))
