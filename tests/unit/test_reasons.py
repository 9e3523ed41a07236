"""What is told of each reason."""

import pytest

from imageferry.errors import Mender, Reason
from tests.repository import ROOT


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_says_in_sentences_what_is_the_matter_and_who_does_what(reason: Reason) -> None:
    for sentence in (reason.sentence, reason.mend):
        assert sentence[0].isupper() or sentence.startswith("imageferry")
        assert sentence.endswith(".")
        assert len(sentence) <= 120
    assert isinstance(reason.mender, Mender)


def test_the_documents_table_is_the_codes() -> None:
    table = (ROOT / "docs/reasons.md").read_text().splitlines()
    rows = [f"| `{reason}` | {reason.sentence} | {reason.mender} | {reason.mend} |" for reason in Reason]
    assert [line for line in table if line.startswith("| `")] == rows
