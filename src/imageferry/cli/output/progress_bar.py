"""Progress on a terminal: a bar and a line that stay where they are."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imageferry.cli.output import formatting
from imageferry.model import Job
from imageferry.progress_estimate import Estimator


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
        grid.add_row(bar, Text(formatting.progress(job, estimate)))
        self._live.update(grid)
