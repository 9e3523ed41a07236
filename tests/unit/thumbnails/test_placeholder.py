"""Thumbhashes are those that browsers read."""

from base64 import b64decode

from PIL import Image

from imageferry.thumbnails.placeholder import placeholder, thumbhash
from tests.drivers.pictures import quarters


def nibbles(code: bytes) -> list[int]:
    return [half for byte in code for half in (byte & 15, byte >> 4)]


def test_the_format_is_the_one_that_others_write() -> None:
    # As the format's own code has them, but for how a wave of no height is rounded.
    opaque = b"".join(bytes([x * 40, y * 60, 128, 255]) for y in range(4) for x in range(6))
    clear = b"".join(bytes([x * 40, y * 60, 128, x * 51]) for y in range(4) for x in range(6))
    for pixels, wanted in (
        (opaque, "da160a35987077777088788778788887808007f788"),
        (clear, "9e67861b8c48c387b08887c3b037fc8470778788877878"),
    ):
        found = thumbhash(6, 4, pixels)
        pairs = zip(nibbles(found), nibbles(bytes.fromhex(wanted)), strict=True)
        assert found[0] == bytes.fromhex(wanted)[0]
        assert all(abs(a - b) <= 1 for a, b in pairs)


def test_it_fits_into_its_column() -> None:
    for image in (quarters(), quarters(2000, 20), Image.new("RGBA", (30, 40)), Image.new("L", (1, 1))):
        assert 5 <= len(b64decode(placeholder(image))) <= 48
        assert len(placeholder(image)) <= 64
