"""Progress on stderr: a line that moves on a terminal, plain lines from time to time elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imageferry.cli import wording
from imageferry.estimate import Estimate, Estimator
from imageferry.model import Job, JobState

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


def progress_on(console: Console) -> Progress:
    """What fits a console: a terminal, or a file or pipe."""
    return Moving(console) if console.is_terminal else Plain(console)


class Moving:
    """A bar and a line that stay where they are."""

    def __init__(self, console: Console) -> None:
        self._estimator = Estimator()
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, job: Job) -> None:
        """See Progress."""
        estimate = self._estimator.see(job, at_s=time.monotonic())
        grid = Table.grid(padding=(0, 1))
        counting = bool(job.open_folders)
        bar = ProgressBar(
            total=None if counting and not job.processed else max(job.discovered, 1),
            completed=job.processed,
            width=28,
            pulse=counting,
            animation_time=time.monotonic(),
        )
        grid.add_row(bar, Text(line(job, estimate)))
        self._live.update(grid)


class Plain:
    """A line every few seconds, and one whenever the state changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
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
            self._console.print(line(job, estimate), soft_wrap=True, markup=False, highlight=False)


def line(job: Job, estimate: Estimate) -> str:
    """The progress of a job in a line."""
    if job.state is JobState.WAITING:
        return f"Waiting: {job.detail}"
    if job.state is JobState.PAUSED:
        return f"Paused at {job.processed:,} of {wording.listed(job)} files: `imageferry resume {job.id}` goes on."
    parts = [f"{job.processed:,} of {wording.listed(job)}"]
    if job.bytes_stored:
        parts.append(wording.size(job.bytes_stored))
    if estimate.files_s >= 1:
        parts.append(f"{estimate.files_s:,.0f} files/s")
    if estimate.bytes_s:
        parts.append(f"{wording.size(estimate.bytes_s)}/s")
    if estimate.left_s:
        parts.append(f"{wording.time_range(*estimate.left_s)} left")
    if job.unchanged:
        parts.append(f"{job.unchanged:,} unchanged")
    if job.failed:
        parts.append(f"{job.failed:,} failed")
    return " · ".join(parts)
