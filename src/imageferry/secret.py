"""A text that is shown to nobody who prints what it is part of."""

from typing import final


class Secret:
    """A secret text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @final
    def reveal(self) -> str:
        """The text, for whoever must send it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"


def revealed(secret: Secret | None) -> str | None:
    """A secret's text, where there is one."""
    return None if secret is None else secret.reveal()
