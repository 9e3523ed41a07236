"""Progress on stderr: a line that moves on a terminal, plain lines from time to time elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from imageferry.cli.output import formatting
from imageferry.cli.output.console import People
from imageferry.model import Job, JobState
from imageferry.progress_estimate import Estimator

PLAIN_LINE_EVERY_S = 5.0


class Progress(Protocol):
    """Shows how a job goes on."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen tidy."""
        ...

    def show(self, job: Job) -> None:
        """Show the job as it is now; to be called often."""
        ...


def progress_for(people: People) -> Progress:
    """What fits where people look: a terminal, or a file or pipe."""
    if not people.look_on:
        return Plain(people)
    from imageferry.cli.output.progress_bar import Moving  # noqa: PLC0415 - long to import

    return Moving(people.console())


class Plain:
    """A line every few seconds, and one whenever the state changes."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._estimator = Estimator()
        self._shown_at_s = time.monotonic()
        self._state: JobState | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, job: Job) -> None:
        """See Progress."""
        now_s = time.monotonic()
        estimate = self._estimator.see(job, at_s=now_s)
        waits_anew = job.state is JobState.WAITING and self._state is not JobState.WAITING
        self._state = job.state
        if waits_anew or now_s - self._shown_at_s >= PLAIN_LINE_EVERY_S:
            self._shown_at_s = now_s
            self._people.tell(formatting.progress(job, estimate))
