"""Text that does nothing to a terminal."""

import json
import sys
import unicodedata

import pytest

from imageferry.printable import printable

DIRECTIONAL = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI", "BN"}


def test_no_control_separator_or_directional_override_is_left() -> None:
    left = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(char := chr(code)) in {"Cc", "Zl", "Zp", "Cs"}
        or (unicodedata.category(char) == "Cf" and unicodedata.bidirectional(char) in DIRECTIONAL)
        if printable(char) == char
    ]
    assert left == []


@pytest.mark.parametrize("text", ["", "a b.jpg", "Ä é 日本　ﾊ.jpg", "👩🏽.heic", "مرحبا", "a\\u001b"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("text", ["\x1b[2J", "\\\x9b31m", 'a"\u202egpj\u2066', "\u2028", "\U000e0041\ufeff", "\r\n"])
def test_escaped_json_keeps_its_value(text: str) -> None:
    encoded = printable(json.dumps(text, ensure_ascii=False))
    assert encoded.isprintable()
    assert json.loads(encoded) == text
