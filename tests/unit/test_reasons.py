"""The catalogue of reasons, and its page in docs/."""

import pytest

from imageferry.errors import FixBy, Reason
from tests.repository import ROOT


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_says_what_happened_and_what_to_do_in_short_sentences(reason: Reason) -> None:
    for sentence in (reason.sentence, reason.fix):
        assert sentence[0].isupper() or sentence.startswith("imageferry")
        assert sentence.endswith(".")
        assert len(sentence) <= 120
    assert isinstance(reason.fix_by, FixBy)


def test_the_page_in_docs_equals_the_catalogue() -> None:
    table = (ROOT / "docs/reasons.md").read_text().splitlines()
    rows = [f"| `{reason}` | {reason.sentence} | {reason.fix_by} | {reason.fix} |" for reason in Reason]
    assert [line for line in table if line.startswith("| `")] == rows
