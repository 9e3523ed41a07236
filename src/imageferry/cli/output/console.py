"""Lines of text for people: on stderr, or on stdout where they are the command's result."""

import os
import sys
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal, TextIO

from imageferry.printable import printable

if TYPE_CHECKING:
    from rich.console import Console as RichConsole


class Console:
    """Prints lines to one of the process's streams."""

    def __init__(self, stream: Literal["stdout", "stderr"] = "stderr") -> None:
        self._stream_name = stream

    def print(self, text: str) -> None:
        """Print a line at once, with control characters as escapes."""
        stream = self._stream
        stream.write(f"{printable(text)}\n")
        stream.flush()

    async def copy(self, chunks: AsyncIterator[bytes]) -> None:
        """Write UTF-8 as it is; to a terminal, with control characters as escapes."""
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        async for chunk in chunks:
            if self._stream.isatty():
                text = decoder.decode(chunk).replace("\r\n", "\n")
                self._stream.write("\n".join(map(printable, text.split("\n"))))
            else:
                self._stream.buffer.write(chunk)

    @property
    def is_interactive(self) -> bool:
        """True for a terminal that can redraw a line."""
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def rich_console(self) -> "RichConsole":
        """Return a rich console on the same stream, for progress bars, tables and prompts; it prints text as above."""
        from imageferry.cli.output.rich_console import PrintableConsole  # noqa: PLC0415 - slow to import

        # Without a terminal nothing limits the width, so that no column is cut off.
        width = None if self._stream.isatty() else 200
        return PrintableConsole(stderr=self._stream_name == "stderr", highlight=False, width=width)

    @property
    def _stream(self) -> TextIO:
        stream: TextIO = getattr(sys, self._stream_name)
        return stream
