"""A rich console for text that strangers wrote."""

from typing import Any

from rich.console import Console
from rich.text import Text

from imageferry.printable import printable


class PrintableConsole(Console):
    """Prints strings as they are, with control characters as escapes: `[red]` and `:tada:` mean nothing in a name."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of the base class
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - those of the base class
        """Return a string as rich text."""
        return super().render_str(printable(text), **options)
