"""Words for people: lines on stderr, or on stdout where they are the answer."""

import os
import sys
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class People:
    """Whoever reads what a command says."""

    def __init__(self, stream: Literal["stdout", "stderr"] = "stderr") -> None:
        self._name = stream

    def tell(self, words: str) -> None:
        """A line."""
        stream = self._stream
        stream.write(f"{words}\n")
        stream.flush()

    @property
    def look_on(self) -> bool:
        """True: they sit before a terminal, on which a line may move."""
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def console(self) -> "Console":
        """For what moves, for tables and for questions."""
        from rich.console import Console  # noqa: PLC0415 - long to import, and most commands only say something

        # Nothing is cut off where no screen bounds it.
        width = None if self._stream.isatty() else 200
        return Console(stderr=self._name == "stderr", highlight=False, emoji=False, width=width)

    @property
    def _stream(self) -> TextIO:
        stream: TextIO = getattr(sys, self._name)
        return stream
