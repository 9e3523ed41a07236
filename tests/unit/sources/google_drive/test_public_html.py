"""Parsing of Drive's public pages."""

from urllib.parse import parse_qs, urlsplit

import pytest

from imageferry.errors import DeferredError, ImageferryError, NotFoundError, PermanentError, ThrottledError
from imageferry.model import File, Folder
from imageferry.sources.google_drive.errors import Call, Subject
from imageferry.sources.google_drive.public_html import (
    find_download_link,
    find_error,
    parse_folder_page,
)

CALL = Call(subject=Subject.FILE, id="1")
FILE_ID, FOLDER_ID, SHEET_ID = "1" + "f" * 32, "1" + "d" * 32, "1" + "s" * 43


def entry(href: str, title: str, *, modified: str = "May 1, 2024", icon: str = "") -> str:
    image = f'<img src="https://drive-thirdparty.googleusercontent.com/16/type/{icon}"/>' if icon else ""
    return (
        f'<div class="flip-entry" id="entry-1"><div class="flip-entry-info"><a href="{href}" target="_blank">'
        f'<div class="flip-entry-list-icon">{image}</div><div class="flip-entry-title">{title}</div></a></div>'
        f'<div class="flip-entry-last-modified"><div>{modified}</div></div></div>'
    )


def folder_page(*entries: str) -> bytes:
    blocks = "".join(entries)
    return f'<html><title>Fish &amp; Chips</title><body><div class="flip-entries">{blocks}</div></body></html>'.encode()


def test_a_folders_page_distinguishes_files_folders_and_documents() -> None:
    page = parse_folder_page(
        folder_page(
            entry(f"https://drive.google.com/drive/folders/{FOLDER_ID}?resourcekey=0-k", "Beach"),
            entry(
                f"https://drive.google.com/file/d/{FILE_ID}/view?usp=drive_web", "a &lt;b&gt;.jpg", icon="image/jpeg"
            ),
            entry(f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit", "Sums"),
            entry("https://example.com/", "An advertisement"),
        )
    )
    assert page is not None
    assert page.name == "Fish & Chips"
    assert page.entries == (
        Folder(id=FOLDER_ID, name="Beach", resource_key="0-k"),
        File(id=FILE_ID, name="a <b>.jpg", mime_type="image/jpeg", version="May 1, 2024|a <b>.jpg"),
        File(id=SHEET_ID, name="Sums", mime_type="application/vnd.google-apps.spreadsheet"),
    )


def test_an_empty_folder_is_distinguished_from_another_page() -> None:
    empty = parse_folder_page(folder_page())
    assert empty is not None
    assert empty.entries == ()
    assert parse_folder_page(b"<html><title>Sign in</title></html>") is None
    assert parse_folder_page(b"") is None


def test_the_download_form_of_a_large_file_becomes_a_link() -> None:
    form = (
        b'<form id="download-form" action="https://drive.usercontent.google.com/download?a=1" method="get">'
        b'<input type="hidden" name="id" value="1&amp;2"><input type="hidden" name="confirm" value="t">'
        b'<input type="submit" value="Download anyway"></form>'
    )
    link = find_download_link(form)
    assert link is not None
    assert urlsplit(link).hostname == "drive.usercontent.google.com"
    assert parse_qs(urlsplit(link).query) == {"a": ["1"], "id": ["1&2"], "confirm": ["t"]}
    assert find_download_link(b"<form id='other'></form>") is None


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (b"<title>Google Drive - Quota exceeded</title><body>Quota exceeded", DeferredError),
        (b"<body>Too many users have <b>viewed or downloaded</b> this file recently.", DeferredError),
        (b"<p class=uc-error-caption>Diese Datei kann derzeit nicht heruntergeladen werden.", DeferredError),
        (b"<form id=captcha-form action=index>Um fortzufahren, geben Sie die Zeichen ein.", ThrottledError),
        (b"<body>Sorry, this file is infected with a virus.", PermanentError),
        (b"<title>Google Drive: Sign-in</title>", NotFoundError),
        (b"<form action='https://accounts.google.com/ServiceLogin'></form>", NotFoundError),
        (b"<body>We're sorry... your computer may be sending automated queries.", ThrottledError),
    ],
)
def test_an_error_page_is_recognised(html: bytes, kind: type[ImageferryError]) -> None:
    assert type(find_error(html, call=CALL)) is kind


def test_an_unknown_page_is_no_error() -> None:
    assert find_error(b"<body>Hello.</body>", call=CALL) is None
    assert find_error(b"\x00\xff", call=CALL) is None
