"""Lines of text for people: on stderr, or on stdout where they are the command's result."""

import os
import sys
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console as RichConsole


class Console:
    """Prints lines to one of the process's streams."""

    def __init__(self, stream: Literal["stdout", "stderr"] = "stderr") -> None:
        self._stream_name = stream

    def print(self, text: str) -> None:
        """Print a line at once."""
        stream = self._stream
        stream.write(f"{text}\n")
        stream.flush()

    @property
    def is_interactive(self) -> bool:
        """True for a terminal that can redraw a line."""
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def rich_console(self) -> "RichConsole":
        """Return a rich console on the same stream, for progress bars, tables and prompts."""
        from rich.console import Console as RichConsole  # noqa: PLC0415 - slow to import, and most commands only print

        # Without a terminal nothing limits the width, so that no column is cut off.
        width = None if self._stream.isatty() else 200
        return RichConsole(stderr=self._stream_name == "stderr", highlight=False, emoji=False, width=width)

    @property
    def _stream(self) -> TextIO:
        stream: TextIO = getattr(sys, self._stream_name)
        return stream
