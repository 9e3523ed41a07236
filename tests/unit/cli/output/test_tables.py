"""Tables on narrow terminals."""

from io import StringIO

import pytest
from rich.console import Console as RichConsole

from imageferry.cli.output.console import Console
from imageferry.cli.output.reports import print_jobs
from tests.drivers.jobs import make_completed_job


class Terminal(Console):
    """A terminal of a fixed width that keeps what is printed."""

    def __init__(self, width: int) -> None:
        super().__init__("stdout")
        self.text = StringIO()
        self._width = width

    def rich_console(self) -> RichConsole:
        """See Console."""
        return RichConsole(file=self.text, width=self._width, force_terminal=True, no_color=True, highlight=False)


@pytest.mark.parametrize("width", [44, 80])
def test_a_job_is_one_readable_line(width: int) -> None:
    job = make_completed_job()
    terminal = Terminal(width)
    print_jobs(terminal, [job])
    _, line = terminal.text.getvalue().splitlines()
    assert len(line) <= width
    assert line.startswith(job.id[:8])
    assert f"{job.created_at:%Y}" in line or f"{job.created_at:%b}" in line
    assert job.state in line
