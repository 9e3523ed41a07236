"""Cookies, kept as a browser keeps them."""

from collections.abc import Sequence
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import cast
from urllib.request import Request


class Cookies:
    """What answers wanted to be kept; goes along with what is asked of whom it is for."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def header_for(self, url: str) -> dict[str, str]:
        """What goes along to a URL."""
        asked = Request(url)  # noqa: S310 - never opened
        self._jar.add_cookie_header(asked)
        told = asked.get_header("Cookie")
        return {} if told is None else {"Cookie": told}

    def keep(self, cookies: Sequence[str], *, url: str) -> None:
        """Keep what a URL's answer brought."""
        if cookies:
            self._jar.extract_cookies(cast("HTTPResponse", _Told(cookies)), Request(url))  # noqa: S310 - never opened


class _Told:
    """An answer, as far as a jar looks at it."""

    def __init__(self, cookies: Sequence[str]) -> None:
        self._head = Message()
        for cookie in cookies:
            self._head["Set-Cookie"] = cookie

    def info(self) -> Message:
        return self._head
