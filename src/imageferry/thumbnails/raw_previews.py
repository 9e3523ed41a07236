"""The photographs that cameras put into their RAW files, ready to be shown."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

from PIL import ContainerIO, ExifTags, Image

_START = b"\xff\xd8\xff"
STARTS_MAX = 64
TRIES_MAX = 3
_TIFF = (b"II*\x00", b"MM\x00*")
_HEAD_BYTES = 1024 * 1024
_UNREADABLE = (OSError, ValueError, SyntaxError, KeyError, IndexError)


def largest_preview(data: bytes) -> Image.Image | None:
    """The largest JPEG within a file that can be decoded; None: there is none.

    By its bytes and not by the file's structure, of which every maker has another.
    """
    found = sorted(_sizes(data), reverse=True)
    for _, at in found[:TRIES_MAX]:
        # RAW pixels themselves are often a JPEG too, of a kind that nothing here decodes.
        with suppress(*_UNREADABLE):
            trial = _jpeg(data, at)
            trial.draft(None, (1, 1))
            trial.load()
            return _jpeg(data, at)
    return None


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """In pixels, and where each begins."""
    at = -1
    for _ in range(STARTS_MAX):
        at = data.find(_START, at + 1)
        if at < 0:
            return
        with suppress(*_UNREADABLE):
            image = _jpeg(data, at)
            yield image.width * image.height, at


def _jpeg(data: bytes, at: int) -> Image.Image:
    within = ContainerIO.ContainerIO(BytesIO(data), at, len(data) - at)
    return Image.open(within, formats=("JPEG",))


def container_orientation(data: bytes) -> int | None:
    """How the camera was held, by the file around a preview."""
    if not data.startswith(_TIFF):
        return None
    exif = Image.Exif()
    with suppress(*_UNREADABLE):
        exif.load(b"Exif\x00\x00" + data[:_HEAD_BYTES])
    orientation = exif.get(ExifTags.Base.Orientation)
    return orientation if isinstance(orientation, int) else None
