"""Image detection by MIME type, extension and content."""

import pytest

from imageferry.pipeline.image_types import image_type, sniff


@pytest.mark.parametrize(
    ("name", "mime_type", "expected"),
    [
        ("a.jpg", "image/jpeg", "image/jpeg"),
        ("a", "image/png", "image/png"),
        ("IMG_1.HEIC", "application/octet-stream", "image/heic"),
        ("raw.CR3", "application/octet-stream", "image/x-canon-cr3"),
        ("a.NEF", "application/octet-stream", "image/x-nikon-nef"),
        ("drawing.svg", "text/plain", "image/svg+xml"),
        ("notes.txt", "text/plain", None),
        ("film.mp4", "video/mp4", None),
        ("Drawing.png", "application/vnd.google-apps.drawing", None),
        ("x" * 5000 + ".avif", "application/octet-stream", "image/avif"),
    ],
)
def test_an_image_is_detected_by_its_type_or_its_extension(name: str, mime_type: str, expected: str | None) -> None:
    assert image_type(name=name, mime_type=mime_type) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "image/heif"),
        (b"\x00\x00\x00\x18ftypXXXX\x00\x00\x00\x00heicmif1", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mp42isom", None),
        (b"<?xml version='1.0'?>\n<!-- x --><svg xmlns='...'>", "image/svg+xml"),
        (b"\xef\xbb\xbf\n<?xml?><?xml-stylesheet href='a'?><!DOCTYPE svg [<!ENTITY a '>'>]>\n<svg>", "image/svg+xml"),
        (b"<svg:svg xmlns:svg='...'>", "image/svg+xml"),
        (b"<!DOCTYPE html><html>", None),
        (b"%PDF-1.7", None),
        (b"PK\x03\x04", None),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"no known signature", "image/jpeg"),
        (b"", "image/jpeg"),
    ],
)
def test_a_known_signature_overrides_the_listed_type(head: bytes, expected: str | None) -> None:
    assert sniff(head, name="x.jpg", mime_type="image/jpeg") == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("x.nef", "image/x-nikon-nef"), ("x.tif", "image/tiff"), ("x.jpg", "image/tiff")]
)
def test_a_tiff_container_is_the_raw_format_that_its_extension_names(name: str, expected: str) -> None:
    assert sniff(b"II*\x00....", name=name, mime_type="image/x") == expected


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "head",
    [
        b"<!---->" * 150_000,
        b"<!--" * 250_000,
        b"<?" * 500_000,
        b"<??>" * 250_000 + b"<html",
        b" " * 1_000_000,
        b"<!DOCTYPE svg " + b"[" * 1_000_000,
        b"<!DOCTYPE svg " + b"[]" * 500_000,
        b"<" + b"a" * 1_000_000,
    ],
)
def test_no_content_takes_more_than_one_pass(head: bytes) -> None:
    assert sniff(head, name="x.svg", mime_type="image/svg+xml") == "image/svg+xml"
