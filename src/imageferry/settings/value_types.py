"""Types of settings that check their text."""

from base64 import b64decode
from collections.abc import Iterable
from typing import Self

from imageferry.secret import Secret
from imageferry.settings.characters import check_key, check_password

TOKEN_LENGTH_MIN = 16
_STANDARD_WEBHOOKS_PREFIX = "whsec_"


class Name(str):
    """A name that a service gives, such as a region: visible ASCII characters without quotes."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raise ValueError if the text has another character."""
        check_key(text)
        return super().__new__(cls, text)


class Key(Secret):
    """A key that a service generates: visible ASCII characters without quotes."""

    def __init__(self, text: str) -> None:
        check_key(text)
        super().__init__(text)


class Password(Secret):
    """A password that a person may have thought of: any visible characters, and blanks."""

    def __init__(self, text: str) -> None:
        check_password(text)
        super().__init__(text)


class ApiToken(Key):
    """Access token of the gateway: at least TOKEN_LENGTH_MIN characters."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        if len(text) < TOKEN_LENGTH_MIN:
            raise ValueError(f"use at least {TOKEN_LENGTH_MIN} characters")


class WebhookSecret(Secret):
    """Signing secret of webhooks in the format of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64."""

    def __init__(self, text: str) -> None:
        try:
            key = b64decode(text.removeprefix(_STANDARD_WEBHOOKS_PREFIX), validate=True)
        except ValueError:
            key = b""
        if not (text.startswith(_STANDARD_WEBHOOKS_PREFIX) and len(key) in range(24, 65)):
            raise ValueError(f"write {_STANDARD_WEBHOOKS_PREFIX} followed by 24 to 64 random bytes in base64")
        super().__init__(text)


class CommaSeparated(tuple[str, ...]):
    """A list of names, written in a variable with commas between them."""

    __slots__ = ()

    def __new__(cls, names: str | Iterable[str] = ()) -> Self:
        """Split a string at its commas, or take an iterable as it is; drop empty names."""
        separate = (name.strip() for name in names.split(",")) if isinstance(names, str) else names
        return super().__new__(cls, filter(None, separate))
