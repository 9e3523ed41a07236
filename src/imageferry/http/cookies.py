"""A cookie jar that follows a browser's rules."""

import re
from collections.abc import Sequence
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import cast
from urllib.request import Request

COOKIES_MAX = 64
_SENDABLE = re.compile(r"[\t -~]{1,4096}")


class Cookies:
    """Cookies set by responses, sent with later requests that they apply to. Those that can't be sent are left out."""

    def __init__(self) -> None:
        self._jar = CookieJar()

    def header_for(self, url: str) -> dict[str, str]:
        """Return the Cookie header for a request to a URL; empty when no cookie applies."""
        request = Request(url)  # noqa: S310 - never opened
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie")
        return {} if value is None else {"Cookie": value}

    def store(self, cookies: Sequence[str], *, url: str) -> None:
        """Store the Set-Cookie values of a URL's response."""
        sendable = [cookie for cookie in cookies if _SENDABLE.fullmatch(cookie)]
        if sendable and len(self._jar) + len(sendable) <= COOKIES_MAX:
            response = cast("HTTPResponse", _SetCookieResponse(sendable))
            self._jar.extract_cookies(response, Request(url))  # noqa: S310 - never opened


class _SetCookieResponse:
    """The part of a response that CookieJar reads."""

    def __init__(self, cookies: Sequence[str]) -> None:
        self._head = Message()
        for cookie in cookies:
            self._head["Set-Cookie"] = cookie

    def info(self) -> Message:
        return self._head
