"""The JPEG previews that cameras embed in their RAW files."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

from PIL import ContainerIO, ExifTags, Image

_JPEG_START = b"\xff\xd8\xff"
STARTS_MAX = 64
DECODED_MAX = 3
_TIFF = (b"II*\x00", b"MM\x00*")
_HEAD_BYTES = 1024 * 1024
_UNREADABLE = (OSError, ValueError, SyntaxError, KeyError, IndexError)


def largest_preview(data: bytes) -> Image.Image | None:
    """Return the largest JPEG within a file that can be decoded; None when there is none.

    It searches for the JPEG marker: the structure of RAW files differs from maker to maker.
    """
    candidates = sorted(_find_jpegs(data), reverse=True)
    for _, offset in candidates[:DECODED_MAX]:
        # The RAW pixels are often a JPEG too, of a kind (lossless) that nothing here decodes.
        with suppress(*_UNREADABLE):
            trial = _open_jpeg(data, offset)
            trial.draft(None, (1, 1))
            trial.load()
            return _open_jpeg(data, offset)
    return None


def _find_jpegs(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the size in pixels and the offset in bytes of each JPEG."""
    offset = -1
    for _ in range(STARTS_MAX):
        offset = data.find(_JPEG_START, offset + 1)
        if offset < 0:
            return
        with suppress(*_UNREADABLE):
            image = _open_jpeg(data, offset)
            yield image.width * image.height, offset


def _open_jpeg(data: bytes, offset: int) -> Image.Image:
    container = ContainerIO.ContainerIO(BytesIO(data), offset, len(data) - offset)
    return Image.open(container, formats=("JPEG",))


def container_orientation(data: bytes) -> int | None:
    """Return the EXIF orientation in the RAW file around a preview; None when it has none."""
    if not data.startswith(_TIFF):
        return None
    exif = Image.Exif()
    with suppress(*_UNREADABLE):
        exif.load(b"Exif\x00\x00" + data[:_HEAD_BYTES])
    orientation = exif.get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else None
