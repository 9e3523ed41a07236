"""How a name is sorted and searched: its key, and its words."""

import re
import unicodedata

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, WORD_LENGTH

WORDS_MAX = 16
# Of a name, so much is read for its words.
_READ_LENGTH = 1024
_WORD = re.compile(r"[^\W_]+")


def name_key(name: str) -> str:
    """What a name is sorted by: its beginning, whatever the case and the way its letters are composed.

    Every word of a name whose key is shorter than `NAME_KEY_LENGTH` stands in the key.
    """
    return _folded(name[:_READ_LENGTH]).replace("\0", "")[:NAME_KEY_LENGTH]


def words(name: str) -> list[str]:
    """The different words of a name, or of a search: letters and digits, each cut at `WORD_LENGTH`."""
    found = _WORD.findall(_folded(name[:_READ_LENGTH]))
    return list(dict.fromkeys([word[:WORD_LENGTH] for word in found]))[:WORDS_MAX]


def _folded(text: str) -> str:
    # NFKC: the same letters composed and decomposed, as some systems write names, are one.
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
