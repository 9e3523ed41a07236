"""A store's answer to a request that it refused: the same whether obstore or our HTTP client received it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from imageferry.stores.permissions import Access, access_of

TEXT_LENGTH_MAX = 500
# Of S3, Azure Blob Storage and Google's XML interface. `Details` and the others say more than `Message`.
_XML_FIELD = re.compile(
    r"<(Code|Message|Region|Endpoint|Details|AuthenticationErrorDetail|RequestTime|ServerTime)>([^<]{1,4000})</\1>"
)
_REFUSED = re.compile(
    r"Error performing (?P<method>[A-Z]+) (?P<url>\S+) in [^\n]*? - "
    r"(?:Server returned non-2xx status code: (?P<status>\d{3})[^:\n]*: |Server returned error response: )"
    r"(?P<body>.*)",
    re.DOTALL,
)
_REDIRECTED = re.compile(r"Error performing (?P<method>[A-Z]+) (?P<url>\S+) in [^\n]*? - Received redirect without")
# Of one object in a bulk deletion: S3 gives its code, Azure the HTTP status.
_NOT_DELETED = re.compile(
    r"(?:DeleteObjects|Bulk delete) request failed for key [^\n]*?: (?P<message>[^\n]*) "
    r"\(code: (?:(?P<status>\d+)|(?P<code>\w+))\)"
)
_CAUSE = re.compile(r'(?:(?:message|error): "([^"\n]{1,200})"|(InvalidCertificate\(\w+\)))')
_FAILED = re.compile(r"Error performing [A-Z]+ \S+ in [^\n]*? - (?P<cause>[^\n]*)")
# Where no field names the region: `pictures.s3.eu-central-1.amazonaws.com`, or a sentence.
_REGION = re.compile(r"\bs3[.-]((?:[a-z]+-){2,3}\d+)\.|expecting '([\w-]{2,40})'")
# What follows in Azure's message is long, and holds signatures.
_STRING_TO_SIGN = re.compile(r"\.?[^.]*string to sign", re.IGNORECASE)
_DEBUG = "\n\nDebug source:"


class Answer(Struct, frozen=True, kw_only=True):
    """A refusal in the store's own words; what it did not say is None or empty."""

    status: int | None = None  # HTTP
    code: str = ""  # `AccessDenied`
    message: str = ""
    region: str | None = None  # of the bucket
    clock_off: timedelta | None = None  # how far this machine's clock is ahead of the store's
    access: Access | None = None  # what the request needed
    url: str = ""  # of the request, without its query
    is_page: bool = False  # a web page, so probably no store's

    @property
    def text(self) -> str:
        """The status, the code and the message, for people."""
        code = self.code or (f"HTTP {self.status}" if self.status else "")
        return ": ".join(filter(None, (code, self.message)))

    @property
    def is_final(self) -> bool:
        """True if the same request will be refused again."""
        return self.status in range(400, 500) and self.status not in (408, 409, 429)

    @classmethod
    def of_response(
        cls, *, method: str, url: str, status: int, body: str, key: str = "", region: str | None = None
    ) -> "Answer":
        """Return the answer that a response contains, without the object's key, which may contain any text."""
        path, _, query = url.partition("?")
        given = _fields(body)
        return cls(
            status=status,
            code=given.get("Code", ""),
            message=_without(key, _message(given)),
            region=given.get("Region") or region or _region(given),
            clock_off=_clock_off(given.get("RequestTime"), given.get("ServerTime")),
            access=access_of(method=method, query=query),
            url=path,
            is_page=body.lstrip("\ufeff \r\n")[:14].lower().startswith(("<html", "<!doctype html")),
        )

    @classmethod
    def of_exception(cls, error: Exception, *, key: str = "") -> "Answer":
        """Return the answer that an exception of obstore quotes, or its text where there was none."""
        text, _, debug = str(error).partition(_DEBUG)
        said = _without(key, text)
        if match := _REFUSED.search(said):
            method, url, status, body = match.group("method", "url", "status", "body")
            return cls.of_response(method=method, url=url, status=int(status or 200), body=body, key=key)
        if match := _REDIRECTED.search(said):
            return cls.of_response(method=match["method"], url=match["url"], status=301, body="")
        if match := _NOT_DELETED.search(said):
            status, code, message = match.group("status", "code", "message")
            return cls(status=int(status or 200), code=code or "", message=message, access=Access.DELETE)
        causes = [quoted or name for quoted, name in _CAUSE.findall(debug)]
        if match := _FAILED.search(said):
            return cls(message=causes[-1] if causes else match["cause"][:TEXT_LENGTH_MAX])
        first_line = re.sub(r"\?\S*", "", said.partition("\n")[0])  # the query of a signed URL is a secret
        return cls(message=first_line[:TEXT_LENGTH_MAX])


def _without(key: str, text: str) -> str:
    # Keys with a file's name have a slash.
    return text.replace(key, "").replace(quote(key), "") if "/" in key else text


def _fields(body: str) -> dict[str, str]:
    """Return the fields of an error in XML or JSON, under their names in XML; of any other text, its beginning."""
    text = body.lstrip("\ufeff \r\n")
    if text.startswith("{"):
        return dict(_json_fields(text))
    fields = {name: unescape(value).strip() for name, value in _XML_FIELD.findall(text)}
    return fields if fields or text.startswith("<") else {"Message": text.partition("\n")[0]}


def _json_fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of an error of Google's API, or of a token server (OAuth)."""
    try:
        answer: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    error = answer.get("error", answer)
    if isinstance(error, str):
        yield "Code", error
        yield "Message", str(answer.get("error_description", ""))
    elif isinstance(error, dict):
        errors = error.get("errors")
        reasons = [each.get("reason") for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
        yield "Code", str(next(filter(None, reasons), error.get("status") or error.get("code") or ""))
        yield "Message", str(error.get("message", ""))


def _message(given: dict[str, str]) -> str:
    # Azure's messages end in lines with the request's ID and time.
    message, _, _ = given.get("Message", "").partition("\n")
    details = given.get("Details") or given.get("AuthenticationErrorDetail") or ""
    text = f"{message} {_STRING_TO_SIGN.split(details)[0]}"
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:TEXT_LENGTH_MAX]


def _region(given: dict[str, str]) -> str | None:
    match = _REGION.search(f"{given.get('Endpoint', '')} {given.get('Message', '')}")
    return match and (match[1] or match[2])


def _clock_off(request_time: str | None, server_time: str | None) -> timedelta | None:
    try:
        times = [datetime.fromisoformat(text or "") for text in (request_time, server_time)]
    except ValueError:
        return None
    ours, theirs = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in times)
    return ours - theirs
