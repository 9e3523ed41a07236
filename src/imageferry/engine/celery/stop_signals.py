"""What must stop: a worker, by a flag; jobs, by a broadcast to every worker. Its processes read both in memory."""

import ctypes
import time
from collections.abc import Collection
from hashlib import sha256
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any

from celery import Celery
from celery.worker.control import control_command

from imageferry.engine.celery.app import broker_errors_translated

COMMAND = "stop_jobs"
# A broadcast is valid for this long. It is repeated every second while work of these jobs is in progress.
VALID_S = 5.0
# With the usual window, fewer jobs are in progress at once. Work of a job that is left out finishes by itself.
JOBS_MAX = 256


class StopFlag:
    """A flag that a worker shares with its processes. It takes no lock: a killed process would never release it."""

    def __init__(self) -> None:
        self._value = RawValue(ctypes.c_bool, False)  # noqa: FBT003 - the initial value of a C value

    def set(self) -> None:
        """Ask all processes to stop."""
        self._value.value = True

    @property
    def is_set(self) -> bool:
        """True once `set` was called."""
        return bool(self._value.value)


class StopList:
    """The jobs that must stop, in memory that a worker shares with its processes. It takes no lock: see StopFlag."""

    def __init__(self) -> None:
        self._hashes = RawArray(ctypes.c_uint64, JOBS_MAX)
        # Of the monotonic clock, which all processes of a machine share.
        self._valid_until_s = RawValue(ctypes.c_double, 0.0)

    def set(self, job_ids: Collection[str]) -> None:
        """Replace the list."""
        hashes = [_hash(job_id) for job_id in sorted(job_ids)[:JOBS_MAX]]
        for slot in range(JOBS_MAX):
            self._hashes[slot] = hashes[slot] if slot < len(hashes) else 0
        self._valid_until_s.value = time.monotonic() + VALID_S

    def contains(self, job_id: str) -> bool:
        """Return True if the job must stop."""
        return time.monotonic() < self._valid_until_s.value and _hash(job_id) in self._hashes[:]

    def subscribe(self) -> None:
        """Update the list from broadcasts; call it in the worker's main process."""

        def stop_jobs(_: Any, job_ids: list[str]) -> None:  # noqa: ANN401 - Celery has no types
            self.set(job_ids)

        control_command(name=COMMAND, args=[("job_ids", list)])(stop_jobs)


def broadcast_stop(app: Celery, job_ids: Collection[str]) -> None:
    """Tell every worker which jobs must stop. Raises TransientError when the broker does not accept it."""
    with broker_errors_translated():
        app.control.broadcast(COMMAND, arguments={"job_ids": list(job_ids)[:JOBS_MAX]})


def _hash(job_id: str) -> int:
    return int.from_bytes(sha256(job_id.encode()).digest()[:8]) or 1
