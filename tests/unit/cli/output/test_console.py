"""What strangers name their files does nothing to a terminal, and stays exact in pipes and JSON."""

import io
import json
from collections.abc import AsyncIterator

import pytest

from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_json
from imageferry.cli.output.tables import TableColumn, print_table

NAME = "[red]a\x1b[31m\x9b2J\u202egpj.\r\n:tada:\u200b"
SHOWN = r"[red]a\u001b[31m\u009b2J\u202egpj.\u000d\u000a:tada:\u200b"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for chunk in data:
        yield chunk


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Console("stdout").print(NAME)
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_a_table_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Console("stdout"), [TableColumn(title=NAME)], [[NAME]])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [SHOWN, SHOWN]


def test_json_is_exact_and_printable(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": NAME})
    output = capsys.readouterr().out
    assert output.rstrip("\n").isprintable()
    assert json.loads(output) == {"name": NAME}


@pytest.mark.parametrize(
    ("stream", "written"),
    [(io.TextIOWrapper, "ä\x1b[m\r\nb\r\n"), (Terminal, "ä\\u001b[m\nb\n")],
    ids=["pipe", "terminal"],
)
async def test_bytes_are_exact_in_a_pipe_only(
    stream: type[io.TextIOWrapper], written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = stream(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
    monkeypatch.setattr("sys.stdout", stdout)
    data = "ä\x1b[m\r\nb\r\n".encode()
    await Console("stdout").copy(chunks(data[:1], data[1:]))
    assert stdout.buffer.getvalue().decode() == written  # type: ignore[attr-defined]
