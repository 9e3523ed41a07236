"""Progress of a job on a terminal: a bar and a line that are redrawn in place."""

import time
from types import TracebackType
from typing import Self

from rich import progress_bar
from rich.console import Console as RichConsole
from rich.live import Live
from rich.table import Table

from imageferry.cli.output import formatting
from imageferry.model import Job
from imageferry.progress_estimate import Estimator

BAR_WIDTH = 28


class ProgressBar:
    """A bar and a line that are redrawn in place; see ProgressDisplay."""

    def __init__(self, console: RichConsole) -> None:
        self._estimator = Estimator()
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, job: Job) -> None:
        """See ProgressDisplay."""
        estimate = self._estimator.update(job, at_s=time.monotonic())
        is_counting = bool(job.open_folders)
        bar = progress_bar.ProgressBar(
            total=None if is_counting and not job.processed else max(job.discovered, 1),
            completed=job.processed,
            width=BAR_WIDTH,
            pulse=is_counting,
            animation_time=time.monotonic(),
        )
        grid = Table.grid(padding=(0, 1))
        grid.add_row(bar, formatting.format_progress(job, estimate))
        self._live.update(grid)
