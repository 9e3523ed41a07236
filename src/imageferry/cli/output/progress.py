"""Progress of a job on stderr: a progress bar on a terminal, a plain line now and then elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from imageferry.cli.output import formatting
from imageferry.cli.output.console import Console
from imageferry.model import Job, JobState
from imageferry.progress_estimate import Estimator

PLAIN_LINE_EVERY_S = 5.0


class ProgressDisplay(Protocol):
    """Shows the progress of a job while its context is open."""

    def __enter__(self) -> Self:
        """Start to show progress."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove everything that is redrawn from the screen."""
        ...

    def update(self, job: Job) -> None:
        """Show the job's current state; call this on every poll."""
        ...


def progress_display(console: Console) -> ProgressDisplay:
    """Return the display that fits the console: a progress bar on a terminal, else plain lines."""
    if not console.is_interactive:
        return PlainProgress(console)
    from imageferry.cli.output.progress_bar import ProgressBar  # noqa: PLC0415 - rich is slow to import

    return ProgressBar(console.rich_console())


class PlainProgress:
    """Prints a line every PLAIN_LINE_EVERY_S seconds, and one when the job starts to wait."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._estimator = Estimator()
        self._printed_at_s = time.monotonic()
        self._state: JobState | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, job: Job) -> None:
        """See ProgressDisplay."""
        now_s = time.monotonic()
        estimate = self._estimator.update(job, at_s=now_s)
        starts_to_wait = job.state is JobState.WAITING and self._state is not JobState.WAITING
        self._state = job.state
        if starts_to_wait or now_s - self._printed_at_s >= PLAIN_LINE_EVERY_S:
            self._printed_at_s = now_s
            self._console.print(formatting.format_progress(job, estimate))
