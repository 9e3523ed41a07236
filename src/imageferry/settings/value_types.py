"""Types of settings that check their text."""

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Self

from imageferry.secret import Secret

TOKEN_LENGTH_MIN = 16
_STANDARD_WEBHOOKS_PREFIX = "whsec_"


class ApiToken(Secret):
    """Access token of the gateway: printable ASCII without spaces, at least TOKEN_LENGTH_MIN characters."""

    def __init__(self, text: str) -> None:
        if len(text) < TOKEN_LENGTH_MIN:
            raise ValueError(f"use at least {TOKEN_LENGTH_MIN} characters")
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("use printable ASCII characters without spaces")
        super().__init__(text)


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
