"""Small test images with known colors, and image files with unusual properties."""

from collections.abc import Sequence
from io import BytesIO
from struct import pack
from typing import Any
from zlib import compress, crc32

import pillow_heif
from PIL import ExifTags, Image, ImageDraw

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 170, 60), (40, 60, 200), (250, 250, 250)
# The transposition of an upright image that each EXIF orientation undoes.
_TRANSPOSITIONS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def four_color_image(width: int = 800, height: int = 600) -> Image.Image:
    """Return an image that is red and green above, blue and white below, so that every rotation looks different."""
    image = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), GREEN)
    draw.rectangle((0, height // 2, width // 2, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), WHITE)
    return image


def quadrant_colors(image: Image.Image) -> list[tuple[int, ...]]:
    """Return the colors of the four quadrants, row by row."""
    width, height = image.size
    rgb = image.convert("RGB")
    points = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    return [tuple(map(int, rgb.getpixel(point))) for point in points]  # type: ignore[arg-type] # three bands


def colors_match(actual: Sequence[tuple[int, ...]], expected: Sequence[tuple[int, ...]], *, within: int = 12) -> bool:
    """Return True if all colors match except for differences that compression causes."""
    pairs = zip(actual, expected, strict=True)
    return all(abs(a - b) <= within for one, other in pairs for a, b in zip(one, other, strict=True))


def encode_image(image: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's options of the format
    """Return the image as the bytes of a file of this format."""
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    body = BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def jpeg_with_orientation(orientation: int, image: Image.Image) -> bytes:
    """Return a JPEG that shows the image when its EXIF orientation is applied."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    transposition = _TRANSPOSITIONS[orientation]
    return encode_image(
        image if transposition is None else image.transpose(transposition), "JPEG", quality=95, exif=exif
    )


def raw_file(preview: bytes, *, orientation: int) -> bytes:
    """Return a file like a camera RAW: a TIFF with an orientation and a tiny image, and a JPEG preview."""
    tiny = encode_image(Image.new("RGB", (16, 16)), "TIFF", tiffinfo={ExifTags.Base.Orientation: orientation})
    return tiny + bytes(1000) + encode_image(Image.new("RGB", (160, 120)), "JPEG") + bytes(500) + preview


def decompression_bomb(side: int) -> bytes:
    """Return a PNG whose header claims this many pixels per side, with a few of them."""
    chunks = [(b"IHDR", pack(">II5B", side, side, 8, 2, 0, 0, 0)), (b"IDAT", compress(bytes(100_000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(body)) + kind + body + pack(">I", crc32(kind + body)) for kind, body in chunks
    )


def red_blue_swapped_profile() -> bytes:
    """Return an ICC profile that swaps red and blue."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    white = _xyz((0.9642, 1.0, 0.8249))
    curve = b"curv" + bytes(4) + pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    text = b"text" + bytes(4) + b"none\0\0\0\0"
    description = b"desc" + bytes(4) + pack(">I", 5) + b"swap\0" + bytes(79)
    bodies = {
        b"desc": description,
        b"cprt": text,
        b"wtpt": white,
        b"rXYZ": _xyz(blue),
        b"gXYZ": _xyz(green),
        b"bXYZ": _xyz(red),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    at, table, data = 128 + 4 + 12 * len(bodies), b"", b""
    for name, body in bodies.items():
        table += name + pack(">II", at + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    size = at + len(data)
    head = pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp" + bytes(28)
    head += pack(">3i", *(round(part * 65536) for part in (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + pack(">I", len(bodies)) + table + data


def _xyz(parts: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + pack(">3i", *(round(part * 65536) for part in parts))
