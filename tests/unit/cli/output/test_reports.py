"""The manual describes every command, and everything that their JSON contains."""

import re

from imageferry.application.results import ImportResult
from imageferry.cli.app import COMMANDS
from imageferry.cli.output.reports import result_as_json
from imageferry.model import JobState
from tests.drivers.jobs import make_completed_job
from tests.repository import ROOT

MANUAL = (ROOT / "docs" / "operating.md").read_text()


def test_the_manual_lists_every_command() -> None:
    rows = "".join(re.findall(r"^\| (`imageferry .*?) \|", MANUAL, re.MULTILINE))
    assert [name for name in COMMANDS if not re.search(rf"`(imageferry )?{name}\b", rows)] == []


def test_the_manual_describes_every_field_and_every_status() -> None:
    result = ImportResult(
        job=make_completed_job(), failures={}, skips={}, interrupted=False, detached=False, elapsed_s=1
    )
    table = MANUAL.partition("| field | |")[2].partition("Exit codes:")[0]
    described = set(re.findall(r"`(\w+)`", table))
    assert result_as_json(result).keys() <= described
    assert set(JobState) <= described
