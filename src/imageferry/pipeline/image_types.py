"""Decides what is an image: by MIME type, by extension and by content."""

import re
from pathlib import PurePosixPath

# Drive often lists HEIC and camera RAW files as application/octet-stream.
MIME_TYPE_BY_EXTENSION = {
    ".apng": "image/apng",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".ico": "image/vnd.microsoft.icon",
    ".j2k": "image/jp2",
    ".jfif": "image/jpeg",
    ".jp2": "image/jp2",
    ".jpe": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".jxl": "image/jxl",
    ".png": "image/png",
    ".psd": "image/vnd.adobe.photoshop",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    # Camera RAW
    ".3fr": "image/x-hasselblad-3fr",
    ".arw": "image/x-sony-arw",
    ".cr2": "image/x-canon-cr2",
    ".cr3": "image/x-canon-cr3",
    ".crw": "image/x-canon-crw",
    ".dcr": "image/x-kodak-dcr",
    ".dng": "image/x-adobe-dng",
    ".erf": "image/x-epson-erf",
    ".iiq": "image/x-phaseone-iiq",
    ".kdc": "image/x-kodak-kdc",
    ".mef": "image/x-mamiya-mef",
    ".mos": "image/x-leaf-mos",
    ".mrw": "image/x-minolta-mrw",
    ".nef": "image/x-nikon-nef",
    ".nrw": "image/x-nikon-nrw",
    ".orf": "image/x-olympus-orf",
    ".pef": "image/x-pentax-pef",
    ".raf": "image/x-fuji-raf",
    ".raw": "image/x-raw",
    ".rw2": "image/x-panasonic-rw2",
    ".rwl": "image/x-leica-rwl",
    ".sr2": "image/x-sony-sr2",
    ".srw": "image/x-samsung-srw",
    ".x3f": "image/x-sigma-x3f",
}
# How much of a file `sniff` needs.
SNIFF_BYTES = 1024

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (b"FOVb", "image/x-sigma-x3f"),
)
# TIFF is also the container of most RAW formats, which the extension tells apart.
_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"IIU\x00", b"IIRO", b"IIRS")
_FTYP_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"crx ": "image/x-canon-cr3",
}
_OTHER_SIGNATURES = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\x7fELF",
    b"MZ",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"ID3",
    b"OggS",
    b"fLaC",
)
# Possessive and atomic: each byte is read once, whatever the file contains. Before the root element there may be
# declarations, comments and a DOCTYPE with entities in brackets.
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?+(?:\s++|<\?(?>.*?\?>)|<!--(?>.*?-->)|<!DOCTYPE\s++svg(?:[^\[>]++|\[[^\]]*+\])*+>)*+"
    rb"<(?:\w++:)?+svg[\s>]",
    re.DOTALL,
)
_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?+\s*+<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)


def image_type(*, name: str, mime_type: str) -> str | None:
    """Return the MIME type of an image by its listed type or its extension, or None if it is not an image."""
    if mime_type.startswith("image/"):
        return mime_type
    if mime_type.startswith("application/vnd.google-apps."):
        return None
    return MIME_TYPE_BY_EXTENSION.get(PurePosixPath(name[-16:]).suffix.lower())


def sniff(head: bytes, *, name: str, mime_type: str) -> str | None:
    """Return the MIME type that the first SNIFF_BYTES of a file show, or `mime_type` if they show none.

    None: the content is certainly not an image.
    """
    for signature, signed_type in _SIGNATURES:
        if head.startswith(signature):
            return signed_type
    if head.startswith(_TIFF_SIGNATURES):
        by_name = MIME_TYPE_BY_EXTENSION.get(PurePosixPath(name[-16:]).suffix.lower(), "image/tiff")
        return by_name if by_name.startswith("image/x-") else "image/tiff"
    if head[:4] == b"RIFF":
        return "image/webp" if head[8:12] == b"WEBP" else None
    if head[4:8] == b"ftyp":
        return _FTYP_BRANDS.get(head[8:12]) or _compatible_brand(head)
    if _SVG.match(head):
        return "image/svg+xml"
    if head.startswith(_OTHER_SIGNATURES) or _HTML.match(head):
        return None
    return mime_type


def _compatible_brand(head: bytes) -> str | None:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = (head[offset : offset + 4] for offset in range(16, size, 4))
    return next((_FTYP_BRANDS[brand] for brand in brands if brand in _FTYP_BRANDS), None)
