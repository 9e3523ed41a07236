"""What both engines do about a process that stops responding: notice it, kill it, and find the file that is the cause.

Such a process may hold its GIL in a file's parser, or was stopped. docs/decisions/0026-a-hung-process-is-killed.md
"""

import asyncio
import logging
from collections.abc import Collection

from imageferry.engine.base import log_fields
from imageferry.errors import Reason
from imageferry.log import log
from imageferry.model import ItemState, Outcome, Record, Transfer
from imageferry.subprocess_protocol.heartbeat import Heartbeat

BEAT_INTERVAL_S = 0.5
CHECK_INTERVAL_S = 0.5
# A process that is asked to stop is killed when it is silent for this long.
STOPPING_SILENCE_S_MAX = 2.0


async def beat_forever(heartbeat: Heartbeat) -> None:
    """Beat for as long as the event loop runs; never returns."""
    while True:
        heartbeat.beat()
        await asyncio.sleep(BEAT_INTERVAL_S)


class SilenceTimer:
    """For how long a heartbeat is silent.

    Only time that passed for its observer counts, so a machine that was suspended or overloaded kills no process.
    """

    def __init__(self, heartbeat: Heartbeat, *, silence_s_max: float) -> None:
        self._heartbeat = heartbeat
        self._silence_s_max = silence_s_max
        self._beats = 0
        self._silent_s = 0.0

    def observe(self) -> None:
        """Look at the heartbeat; to be called every CHECK_INTERVAL_S. A process that rests is not silent."""
        beats = self._heartbeat.beats
        is_silent = beats == self._beats != 0
        self._silent_s = self._silent_s + CHECK_INTERVAL_S if is_silent else 0.0
        self._beats = beats

    def reset(self) -> None:
        """Start to count anew."""
        self._silent_s = 0.0

    def has_expired(self, *, is_stopping: bool) -> bool:
        """Return True if the process must be killed."""
        limit_s = min(self._silence_s_max, STOPPING_SILENCE_S_MAX) if is_stopping else self._silence_s_max
        return self._silent_s >= limit_s

    @property
    def is_responding(self) -> bool:
        """False when the process is silent for so long that it will probably be killed."""
        return self._silent_s < self._silence_s_max / 3


def record_of_hung(message: Transfer, *, item_ids: Collection[int]) -> Record:
    """Log and return the final record of a batch whose process hung while it worked on these items, of any batches.

    Each of them is suspect, and is then transferred alone. The file that hangs its process alone as well fails.
    """
    suspects = [item for item in message.items if item.item_id in item_ids]
    if not (message.isolated and suspects):
        log.warning("batch.hung", suspects=len(suspects), **log_fields(message))
        return Record(
            job_id=message.job_id,
            batch_id=message.batch_id,
            outcomes=(),
            is_final=True,
            worker_lost=not item_ids,
            suspects=tuple(item.item_id for item in suspects),
        )
    (item,) = suspects
    log.log(logging.ERROR, "file.hung", file_id=item.file_id, file_name=item.name, **log_fields(message))
    failed = Outcome(item_id=item.item_id, state=ItemState.FAILED, reason=Reason.HUNG_WORKER, detail=_DETAIL)
    return Record(job_id=message.job_id, batch_id=message.batch_id, outcomes=(failed,), is_final=True)


_DETAIL = "The process that transferred this file, and no other, stopped responding and was ended."
