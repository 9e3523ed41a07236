"""The characters of a setting's text: what is dropped around it, and what is refused in it."""

import re
import string
from collections.abc import Callable
from unicodedata import category

_AROUND = f"{string.whitespace}\u00a0\u2028\u2029\u200b\u2060\ufeff"
_LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_CURLY_QUOTES = "“”„‟‘’‚‛«»‹›"  # noqa: RUF001 - what word processors make of quotes
# Controls, formats such as the zero-width space, surrogates (from bytes that are not UTF-8), line and paragraph breaks.
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_VISIBLE_ASCII = re.compile(r"[!#-&(-~]")  # no quotes: they belong to a shell or a file, not to a key or a name


def stripped(text: str) -> str:
    """Return the text without blanks, and then without a pair of quotes, around it."""
    text = text.strip(_AROUND)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        # Docker's --env-file and Kubernetes keep the quotes that a shell drops.
        return text[1:-1].strip(_AROUND)
    return text


def check_text(text: str) -> None:
    """Raise ValueError if the text has an invisible character, or a curly quote at one of its ends."""
    _refuse(text, lambda character: category(character) in _INVISIBLE)
    _refuse(text[:1] + text[-1:], _CURLY_QUOTES.__contains__)


def check_password(text: str) -> None:
    """Raise ValueError if the text has a character that nobody types in a password."""
    _refuse(text, _CURLY_QUOTES.__contains__)


def check_url(text: str) -> None:
    """Raise ValueError if the text has a character that is written as an escape in a URL."""
    _refuse(text, lambda character: character.isspace() or character in _CURLY_QUOTES)


def check_key(text: str) -> None:
    """Raise ValueError unless the text is of visible ASCII characters, without quotes, as keys and names are."""
    _refuse(text, lambda character: not _VISIBLE_ASCII.match(character))


def _refuse(text: str, is_wrong: Callable[[str], bool]) -> None:
    if wrong := next(filter(is_wrong, text), None):
        raise ValueError(f"it contains {_describe(wrong)}; remove it")


def _describe(character: str) -> str:
    if character in _LINE_BREAKS:
        return "a line break"
    if character in _CURLY_QUOTES:
        return f"a curly quote ({character})"
    if character in "'\"":
        return f"a quote ({character})"
    if character.isspace():
        return "a tab" if character == "\t" else "a blank"
    match category(character):
        case "Cs":
            return "a byte that is not UTF-8"
        case "Cc" | "Cf":
            return f"an invisible character (U+{ord(character):04X})"
        case _:
            return f"the character {character}"
