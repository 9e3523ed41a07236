"""Which jobs are to stop: told to every worker through the broker, and put where its children look."""

import ctypes
import time
from collections.abc import Collection
from hashlib import sha256
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any

from celery import Celery
from celery.worker.control import control_command

from imageferry.engine.celery.app import broker_answers

COMMAND = "halt"
# What is told holds for so long; it is told again every second while work of these jobs is under way.
HOLDS_S = 5.0
# More jobs than that are never under way at once, at the usual window; what is not told comes to its end by itself.
JOBS_MAX = 256


class Board:
    """The jobs that are to stop, in memory that a worker shares with its children. It takes no lock: see Flag."""

    def __init__(self) -> None:
        self._marks = RawArray(ctypes.c_uint64, JOBS_MAX)
        self._until_s = RawValue(ctypes.c_double, 0.0)  # by the machine's monotonic clock, which all processes share

    def post(self, job_ids: Collection[str]) -> None:
        """Put these jobs on the board, in place of those that are there."""
        marks = [_mark(job_id) for job_id in sorted(job_ids)[:JOBS_MAX]]
        for slot in range(JOBS_MAX):
            self._marks[slot] = marks[slot] if slot < len(marks) else 0
        self._until_s.value = time.monotonic() + HOLDS_S

    def names(self, job_id: str) -> bool:
        """True: the job is to stop."""
        return time.monotonic() < self._until_s.value and _mark(job_id) in self._marks[:]

    def listen(self) -> None:
        """Take what is told through the broker, in the worker's main process."""

        def halt(_: Any, job_ids: list[str]) -> None:  # noqa: ANN401 - Celery has no types
            self.post(job_ids)

        control_command(name=COMMAND, args=[("job_ids", list)])(halt)


def tell(app: Celery, job_ids: Collection[str]) -> None:
    """Tell every worker which jobs are to stop; raises TransientError when the broker does not take it."""
    with broker_answers():
        app.control.broadcast(COMMAND, arguments={"job_ids": list(job_ids)[:JOBS_MAX]})


def _mark(job_id: str) -> int:
    return int.from_bytes(sha256(job_id.encode()).digest()[:8]) or 1
