"""The sort key and the searchable words of a name."""

import re
import unicodedata

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, WORD_LENGTH

WORDS_MAX = 16
# Characters of a name that are read; the rest is neither sorted by nor searched.
_READ_LENGTH = 1024
_WORD = re.compile(r"[^\W_]+")


def name_key(name: str) -> str:
    """Return what a name is sorted by: its beginning, in lower case and with composed letters.

    If the key is shorter than `NAME_KEY_LENGTH`, it contains every word of the name.
    """
    return _normalized(name[:_READ_LENGTH]).replace("\0", "")[:NAME_KEY_LENGTH]


def tokenize(name: str) -> list[str]:
    """Return the distinct words, of letters and digits, of a name or a search; each cut at `WORD_LENGTH`."""
    words = _WORD.findall(_normalized(name[:_READ_LENGTH]))
    return list(dict.fromkeys([word[:WORD_LENGTH] for word in words]))[:WORDS_MAX]


def _normalized(text: str) -> str:
    # NFKC makes composed and decomposed letters equal: some systems write names decomposed.
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
