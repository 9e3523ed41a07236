"""Parsing of Drive's public HTML pages: folder listings, the download form of large files, error pages."""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlencode, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

from imageferry.errors import ImageferryError, PermanentError, Reason
from imageferry.model import File, Folder
from imageferry.sources.google_drive.errors import Call, automated_queries, download_quota_exceeded, not_found
from imageferry.sources.google_drive.response_bodies import START_SIZE_BYTES_MAX

_FOLDER_LINK = re.compile(r"/folders/([\w-]+)", re.ASCII)
_FILE_LINK = re.compile(r"/file/d/([\w-]+)", re.ASCII)
_DOCUMENT_LINK = re.compile(r"//docs\.google\.com/(\w+)/d/([\w-]+)", re.ASCII)
_ICON_TYPE = re.compile(r"/type/([\w.+-]{1,127}/[\w.+-]{1,127})", re.ASCII)
_TAG = re.compile(rb"<(/?)(?!area|br|col|embed|hr|img|input|link|meta|source|wbr)[a-z]", re.IGNORECASE)
# Google's pages have some twenty, and scripts with a few `a<b`. The parser takes quadratic time.
DEPTH_MAX = 2000
VERSION_LENGTH_MAX = 255  # characters, in the catalog
_SIGN_IN_FORM = "#gaia_loginform, form[action*=ServiceLogin], form[action*=signin], input[type=password]"


class FolderPage(Struct, frozen=True, kw_only=True):
    """A folder's page, which lists all its entries."""

    name: str
    entries: tuple[File | Folder, ...]


def parse_folder_page(html: bytes) -> FolderPage | None:
    """Parse a folder's page. Return None when it is another page."""
    page = _parse(html)
    blocks = page.css(".flip-entry")
    if not blocks and page.css_first(".flip-entries, .flip-list") is None:
        return None
    title = page.css_first("title")
    entries = [entry for block in blocks if (entry := _entry(block)) is not None]
    return FolderPage(name=title.text().strip() if title else "", entries=tuple(entries))


def find_download_link(html: bytes) -> str | None:
    """Return the URL of the download form shown for files too large for the virus scan; None: no such form."""
    form = _parse(html).css_first("form#download-form")
    action = None if form is None else _split(form.attributes.get("action") or "")
    if form is None or action is None:
        return None
    hidden = {
        name: field.attributes.get("value") or ""
        for field in form.css("input[type=hidden]")
        if (name := field.attributes.get("name"))
    }
    query = {name: values[0] for name, values in parse_qs(action.query).items()} | hidden
    return action._replace(query=urlencode(query)).geturl()


def find_error(html: bytes, *, call: Call) -> ImageferryError | None:
    """Return the error that an error page stands for; None: the page is unknown."""
    page = _parse(html[:START_SIZE_BYTES_MAX])
    title = page.css_first("title")
    text = " ".join((page.body.text(separator=" ") if page.body else "").split()).lower()
    if page.css_first(_SIGN_IN_FORM) is not None or (title and re.search(r"(?i)\bsign.?in\b", title.text())):
        return not_found(call)
    if "infected with a virus" in text:
        return PermanentError(Reason.ABUSIVE, "Google found a virus in this file, so it can't be downloaded.")
    # What the page is made of says as much in any language.
    if page.css_first(_REFUSED_DOWNLOAD) is not None or any(phrase in text for phrase in _DOWNLOAD_QUOTA_PHRASES):
        return download_quota_exceeded()
    if page.css_first(_CAPTCHA_FORM) is not None or "automated queries" in text:
        return automated_queries(call)
    return None


_REFUSED_DOWNLOAD = ".uc-error-caption"
_CAPTCHA_FORM = "form#captcha-form, .g-recaptcha, input[name=captcha]"
_DOWNLOAD_QUOTA_PHRASES = ("too many users have viewed or downloaded", "quota exceeded")


def _parse(html: bytes) -> LexborHTMLParser:
    """Parse a page; one that is nested too deeply to be Google's, like an empty one."""
    depth = 0
    for tag in _TAG.finditer(html):
        depth += -1 if tag[1] else 1
        if depth > DEPTH_MAX:
            return LexborHTMLParser(b"")
    return LexborHTMLParser(html)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # an unmatched bracket
        return None


def _entry(block: LexborNode) -> File | Folder | None:
    link = block.css_first("a[href]")
    href = (link.attributes.get("href") if link else None) or ""
    name = _text(block, ".flip-entry-title")
    resource_key = _resource_key(href)
    if match := _FOLDER_LINK.search(href):
        return Folder(id=match[1], name=name, resource_key=resource_key)
    if match := _DOCUMENT_LINK.search(href):
        # Links contain "spreadsheets", MIME types "spreadsheet".
        kind = f"application/vnd.google-apps.{match[1].removesuffix('s')}"
        return File(id=match[2], name=name, mime_type=kind, resource_key=resource_key)
    if match := _FILE_LINK.search(href):
        return File(
            id=match[1],
            name=name,
            mime_type=_mime_type(block),
            version=f"{_text(block, '.flip-entry-last-modified').strip()}|{name}"[:VERSION_LENGTH_MAX],
            resource_key=resource_key,
        )
    return None


def _text(block: LexborNode, selector: str) -> str:
    node = block.css_first(selector)
    return node.text() if node else ""


def _mime_type(block: LexborNode) -> str:
    """Return the type in the URL of a file's icon."""
    for image in block.css("img[src]"):
        if match := _ICON_TYPE.search(unquote(image.attributes.get("src") or "")):
            return match[1]
    return "application/octet-stream"


def _resource_key(href: str) -> str | None:
    url = _split(href)
    return None if url is None else parse_qs(url.query).get("resourcekey", [None])[0]
