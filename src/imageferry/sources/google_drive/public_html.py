"""Drive's public HTML pages, read: a folder's listing, the form before a large file, and complaints."""

import re
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

from imageferry.errors import ImageferryError, PermanentError, Reason
from imageferry.model import File, Folder
from imageferry.sources.google_drive.errors import Call, not_found, shut_out, withheld

_FOLDER_LINK = re.compile(r"/folders/([\w-]+)")
_FILE_LINK = re.compile(r"/file/d/([\w-]+)")
_DOCUMENT_LINK = re.compile(r"//docs\.google\.com/(\w+)/d/([\w-]+)")
_ICON_TYPE = re.compile(r"/type/([\w.+-]+/[\w.+-]+)")
# A version is kept beside each record, whole.
VERSION_LENGTH_MAX = 255
_SIGN_IN = "#gaia_loginform, form[action*=ServiceLogin], form[action*=signin], input[type=password]"


class FolderPage(Struct, frozen=True, kw_only=True):
    """The page of a folder: everything in it, at once."""

    name: str
    entries: tuple[File | Folder, ...]


def folder_page_from(html: bytes) -> FolderPage | None:
    """None: the page is no folder's."""
    page = LexborHTMLParser(html)
    blocks = page.css(".flip-entry")
    if not blocks and page.css_first(".flip-entries, .flip-list") is None:
        return None
    title = page.css_first("title")
    entries = [entry for block in blocks if (entry := _entry(block)) is not None]
    return FolderPage(name=title.text().strip() if title else "", entries=tuple(entries))


def download_link_from(html: bytes) -> str | None:
    """Where the form leads that stands before a file too large to be scanned; None: there is no such form."""
    form = LexborHTMLParser(html).css_first("form#download-form")
    if form is None:
        return None
    action = urlsplit(form.attributes.get("action") or "")
    hidden = {
        name: field.attributes.get("value") or ""
        for field in form.css("input[type=hidden]")
        if (name := field.attributes.get("name"))
    }
    query = {name: values[0] for name, values in parse_qs(action.query).items()} | hidden
    return action._replace(query=urlencode(query)).geturl()


def complaint_from(html: bytes, *, call: Call) -> ImageferryError | None:
    """The error that a page stands for which came instead of what was asked for; None: it tells nothing."""
    page = LexborHTMLParser(html)
    title = page.css_first("title")
    text = " ".join((page.body.text(separator=" ") if page.body else "").split()).lower()
    if page.css_first(_SIGN_IN) is not None or (title and re.search(r"(?i)\bsign.?in\b", title.text())):
        return not_found(call)
    if any(phrase in text for phrase in _WITHHELD_PHRASES):
        return withheld()
    if "infected with a virus" in text:
        return PermanentError(Reason.ABUSIVE, "Google found a virus in this file.")
    return shut_out(call) if "automated queries" in text else None


_WITHHELD_PHRASES = ("too many users have viewed or downloaded", "quota exceeded")


def _entry(block: LexborNode) -> File | Folder | None:
    link = block.css_first("a[href]")
    href = (link.attributes.get("href") if link else None) or ""
    name = _text(block, ".flip-entry-title")
    resource_key = _resource_key(href)
    if found := _FOLDER_LINK.search(href):
        return Folder(id=found[1], name=name, resource_key=resource_key)
    if found := _DOCUMENT_LINK.search(href):
        # Links say "spreadsheets", MIME types "spreadsheet".
        kind = f"application/vnd.google-apps.{found[1].removesuffix('s')}"
        return File(id=found[2], name=name, mime_type=kind, resource_key=resource_key)
    if found := _FILE_LINK.search(href):
        return File(
            id=found[1],
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
    """The icon beside a file is named by the file's type."""
    for image in block.css("img[src]"):
        if found := _ICON_TYPE.search(unquote(image.attributes.get("src") or "")):
            return found[1]
    return "application/octet-stream"


def _resource_key(href: str) -> str | None:
    return parse_qs(urlsplit(href).query).get("resourcekey", [None])[0]
