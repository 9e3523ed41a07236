"""Whatever Google's servers, or a proxy in front of them, send: it is read in bounded time, or refused by its kind."""

import pytest

from imageferry.sources.google_drive.content_disposition import parse_file_name
from imageferry.sources.google_drive.error_response import RETRY_AFTER_S_MAX, ErrorResponse
from imageferry.sources.google_drive.errors import Call, Subject
from imageferry.sources.google_drive.public_html import DEPTH_MAX, find_download_link, find_error, parse_folder_page

pytestmark = pytest.mark.timeout(60)

CALL = Call(subject=Subject.FILE, id="1")
MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("9" * 400, RETRY_AFTER_S_MAX),
        ("9" * MEGABYTE, RETRY_AFTER_S_MAX),
        ("-5", 0.0),
        ("+-5", None),
        ("²", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Mon, 01 Jan 0001 00:00:00 +1200", None),
        ("," * MEGABYTE, None),
        ("", None),
    ],
)
def test_any_retry_after_is_a_bounded_time_or_none(header: str, seconds: float | None) -> None:
    response = ErrorResponse.parse(status=429, content_type="", body=b"", retry_after=header)
    assert response.retry_after_s in {seconds, 0.0, RETRY_AFTER_S_MAX}


@pytest.mark.parametrize(
    "body", [b"[" * MEGABYTE, b'{"error": ' * 100_000, b'{"error": {"message": "\\ud800"}}', b"\xff", b'{"error": 5}']
)
def test_an_error_in_no_format_has_no_codes(body: bytes) -> None:
    assert ErrorResponse.parse(status=403, content_type="", body=body).codes == ()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=UTF-8''%C3%A9.jpg", "é.jpg"),
        ("attachment; filename*=undefined''x", None),
        ("attachment; filename*=unicode_escape''%5Cud800", "?"),
        ("attachment; filename*0*=punycode''%ff; filename*1*=x", None),
        ("attachment" + ";" * MEGABYTE, None),
        ("attachment" + ';"' * MEGABYTE, None),
        ("", None),
    ],
)
def test_any_content_disposition_has_a_storable_name_or_none(header: str, name: str | None) -> None:
    assert parse_file_name(header) == name


@pytest.mark.parametrize(
    "html",
    [
        b"<div>" * 200_000,
        b"<b>" * 300_000,
        b"<p><table>" * 100_000,
        b"<div class=flip-entry>" * 50_000,
        b"<a " + b"x " * 500_000,
        b"<!--" * 250_000,
        b"&amp" * 250_000,
        b"<" * MEGABYTE,
        b"\0" * MEGABYTE,
    ],
)
def test_no_page_takes_long_to_parse(html: bytes) -> None:
    assert find_download_link(html) is None
    assert find_error(html, call=CALL) is None
    assert parse_folder_page(html) is None


def test_a_folder_is_read_although_a_link_of_it_is_no_url() -> None:
    entry = b'<div class="flip-entry"><a href="%b"></a><div class="flip-entry-title">x.jpg</div></div>'
    links = [b"https://[/file/d/1abc", b"https://drive.google.com/file/d/2abc/view", b"/file/d/\xc3\xa9"]
    page = parse_folder_page(b'<div class="flip-list">%b</div>' % b"".join(entry % link for link in links))
    assert page is not None
    assert [each.id for each in page.entries] == ["1abc", "2abc"]
    assert find_download_link(b'<form id="download-form" action="https://[">') is None


def test_a_large_folder_is_not_too_deep() -> None:
    entry = b'<div class="flip-entry"><a href="/file/d/a%d"><img src="x"><br></a></div><script>if(i<n)x();</script>'
    page = parse_folder_page(b"".join(entry % number for number in range(DEPTH_MAX // 2)))
    assert page is not None
    assert len(page.entries) == DEPTH_MAX // 2
