"""Thumbhashes have the format that browsers decode."""

from base64 import b64decode

from PIL import Image

from imageferry.thumbnails.placeholder import placeholder, thumbhash
from tests.drivers.pictures import four_color_image


def nibbles(code: bytes) -> list[int]:
    return [half for byte in code for half in (byte & 15, byte >> 4)]


def test_hashes_match_the_reference_implementation() -> None:
    # From the format's reference code; coefficients of zero may be rounded differently.
    opaque = b"".join(bytes([x * 40, y * 60, 128, 255]) for y in range(4) for x in range(6))
    clear = b"".join(bytes([x * 40, y * 60, 128, x * 51]) for y in range(4) for x in range(6))
    for pixels, expected in (
        (opaque, "da160a35987077777088788778788887808007f788"),
        (clear, "9e67861b8c48c387b08887c3b037fc8470778788877878"),
    ):
        actual = thumbhash(6, 4, pixels)
        pairs = zip(nibbles(actual), nibbles(bytes.fromhex(expected)), strict=True)
        assert actual[0] == bytes.fromhex(expected)[0]
        assert all(abs(a - b) <= 1 for a, b in pairs)


def test_a_hash_fits_into_its_database_column() -> None:
    for image in (four_color_image(), four_color_image(2000, 20), Image.new("RGBA", (30, 40)), Image.new("L", (1, 1))):
        assert 5 <= len(b64decode(placeholder(image))) <= 48
        assert len(placeholder(image)) <= 64
