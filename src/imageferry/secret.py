"""A string that does not show in logs or tracebacks."""

from typing import final


class Secret:
    """A string whose repr hides it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @final
    def reveal(self) -> str:
        """Return the string, to send it."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"


def reveal_if_set(secret: Secret | None) -> str | None:
    """Return the secret's string, or None if there is no secret."""
    return None if secret is None else secret.reveal()
