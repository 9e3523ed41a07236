"""Tables that stay readable on a narrow terminal."""

from collections.abc import Sequence

from msgspec import Struct

from imageferry.cli.output.console import Console

# A terminal narrower than this shows no columns that are `wide_only`.
WIDE_COLUMNS = 72


class TableColumn(Struct, frozen=True, kw_only=True):
    """A column of a table."""

    title: str
    is_number: bool = False  # aligned right
    is_flexible: bool = False  # takes the width that the other columns leave, and is cut off with "…"
    wide_only: bool = False


def print_table(console: Console, columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text, one line each. Without a terminal no column is left out or cut off."""
    from rich.table import Table  # noqa: PLC0415 - slow to import

    rich_console = console.rich_console()
    is_narrow = rich_console.is_terminal and rich_console.width < WIDE_COLUMNS
    shown = [index for index, column in enumerate(columns) if not (is_narrow and column.wide_only)]
    table = Table(box=None, padding=(0, 2 if not is_narrow else 1, 0, 0), expand=rich_console.is_terminal)
    for column in (columns[index] for index in shown):
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if column.is_flexible else None,
        )
    for row in rows:
        table.add_row(*(row[index] for index in shown))
    if rich_console.is_terminal:
        rich_console.print(table)
    else:
        rich_console.print(table, soft_wrap=True)
