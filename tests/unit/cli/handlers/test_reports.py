"""What a command tells at its end is what the manual says of it."""

import re

from imageferry.cli.app import COMMANDS
from imageferry.cli.handlers.import_ import Ending
from imageferry.cli.handlers.reports import ending_as_json
from imageferry.model import JobState
from tests.drivers.jobs import ended
from tests.repository import ROOT

MANUAL = (ROOT / "docs" / "operating.md").read_text()


def test_the_manual_names_every_command() -> None:
    rows = "".join(re.findall(r"^\| (`imageferry .*?) \|", MANUAL, re.MULTILINE))
    assert [name for name in COMMANDS if not re.search(rf"`(imageferry )?{name}\b", rows)] == []


def test_the_manual_tells_every_field_and_every_status() -> None:
    ending = Ending(job=ended(), failures={}, skips={}, interrupted=False, detached=False, seconds=1)
    table = MANUAL.partition("| field | |")[2].partition("Exit codes:")[0]
    told = set(re.findall(r"`(\w+)`", table))
    assert ending_as_json(ending).keys() <= told
    assert set(JobState) <= told
