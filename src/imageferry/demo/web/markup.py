"""The HTML of the public pages, as far as clients parse it."""

from collections.abc import Iterable, Mapping
from html import escape

from imageferry.demo.drive.error_responses import ERROR_TEMPLATES, SORRY_PAGE, ErrorKind
from imageferry.demo.entries import SHORTCUT_MIME_TYPE, Node
from imageferry.model import FOLDER_MIME_TYPE

# Path segments in the URLs of Google documents.
_DOCUMENT_PATHS = {
    "application/vnd.google-apps.document": "document",
    "application/vnd.google-apps.spreadsheet": "spreadsheets",
    "application/vnd.google-apps.presentation": "presentation",
}


def page(title: str, body: str) -> str:
    """Return a page."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body>{body}</body></html>"
    )


def folder_page(folder: Node, children: Iterable[Node]) -> str:
    """Return the page of embeddedfolderview."""
    entries = "".join(map(_entry, children))
    return page(folder.name, f'<div class="flip-folder"><div class="flip-entries">{entries}</div></div>')


def scan_warning_page(node: Node, *, action: str, inputs: Mapping[str, str]) -> str:
    """Return the page that asks for confirmation before the download of a file too large to be scanned."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in inputs.items()
    )
    return page(
        "Google Drive - Virus scan warning",
        '<p class="uc-warning-caption">Google Drive can\'t scan this file for viruses.</p>'
        f'<p class="uc-warning-subcaption"><span class="uc-name-size"><a href="/open?id={node.id}">'
        f"{escape(node.name)}</a></span> is too large. Would you still like to download this file?</p>"
        f'<form id="download-form" action="{escape(action)}" method="get">'
        f'<input type="submit" id="uc-download-link" value="Download anyway">{hidden}</form>',
    )


QUOTA_PAGE = page(
    "Google Drive - Quota exceeded",
    '<p class="uc-error-caption">Sorry, you can\'t view or download this file at this time.</p>'
    '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try '
    "accessing the file again later.</p>",
)
SIGN_IN_PAGE = page(
    "Google Drive: Sign-in",
    '<h1>Sign in</h1><p>to continue to Google Drive</p><form method="post"><input name="identifier"></form>',
)
NOT_FOUND_PAGE = page("Error 404 (Not Found)!!1", "<p>Sorry, the file you have requested does not exist.</p>")
SERVER_ERROR_PAGE = page("Error 500 (Server Error)!!1", "<p>That is an error.</p>")


def error_page(kind: ErrorKind) -> tuple[int, str]:
    """Return the status and the page for an error."""
    match kind:
        case ErrorKind.DOWNLOAD_QUOTA:
            # Google sends this page with status 200.
            return 200, QUOTA_PAGE
        case ErrorKind.INTERNAL | ErrorKind.BACKEND | ErrorKind.UNAVAILABLE | ErrorKind.BAD_GATEWAY:
            return ERROR_TEMPLATES[kind].status, SERVER_ERROR_PAGE
        case ErrorKind.NOT_FOUND:
            return 404, NOT_FOUND_PAGE
        case ErrorKind.TOO_MANY_REQUESTS | ErrorKind.SORRY | ErrorKind.RATE_LIMIT | ErrorKind.USER_RATE_LIMIT:
            return 429, SORRY_PAGE
        case _:
            return 403, SIGN_IN_PAGE


def link(node: Node) -> str:
    """Return the link of an entry; for a shortcut, of its target."""
    node_id, mime_type, key = node.id, node.mime_type, node.resource_key
    if node.target is not None:
        node_id, mime_type, key = node.target.id, node.target.mime_type, node.target.resource_key
    query = f"?resourcekey={key}&usp=drive_web" if key else "?usp=drive_web"
    if mime_type == FOLDER_MIME_TYPE:
        return f"https://drive.google.com/drive/folders/{node_id}{query}"
    if mime_type in _DOCUMENT_PATHS:
        return f"https://docs.google.com/{_DOCUMENT_PATHS[mime_type]}/d/{node_id}/edit{query}"
    return f"https://drive.google.com/file/d/{node_id}/view{query}"


def _entry(node: Node) -> str:
    kind = "Shortcut" if node.mime_type == SHORTCUT_MIME_TYPE else node.mime_type
    changed = f"{node.modified_at:%b} {node.modified_at.day}, {node.modified_at.year}"
    return (
        f'<div class="flip-entry" id="entry-{node.id}" tabindex="0" role="link"><div class="flip-entry-info">'
        f'<a href="{escape(link(node))}" target="_blank"><div class="flip-entry-visual">'
        f'<div class="flip-entry-list-icon"><img alt="{escape(kind)}"></div></div>'
        f'<div class="flip-entry-title">{escape(node.name)}</div></a></div>'
        f'<div class="flip-entry-last-modified"><div>{changed}</div></div></div>'
    )
