"""CSV that a spreadsheet can open without running what strangers wrote into it. All CSV is written here."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

# In some languages a spreadsheet splits at semicolons or tabs, whatever the quotes say: any part of a value can become
# a cell. It is run as a formula if it starts with one of these characters (the wide ones in Japanese, for example),
# also after blanks, quotes and invisible characters, which are dropped or ignored.
_CELL_START = r"(?:^|(?<=[,;|\t\v\f\r\n\x1c-\x1f\x85\u2028\u2029]))"
_IGNORED = r"[\s\"'`\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*"
_FORMULA = re.compile(rf"{_CELL_START}(?={_IGNORED}[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])")


def csv_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as CSV in UTF-8 with all text in quotes; an apostrophe makes text of what would be a formula."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_FORMULA.sub("'", value) if isinstance(value, str) else value for value in row] for row in rows)
    return text.getvalue().encode()
