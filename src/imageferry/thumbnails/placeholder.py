"""Thumbhash: a picture's shape and colours in about 25 bytes, to be shown before the picture itself.

The format is https://evanw.github.io/thumbhash. (Of its two ports on PyPI one fails on transparent pictures, and the
other wants a Pillow of years ago.)
"""

from base64 import b64encode
from math import cos, floor, pi

from PIL import Image

# More are of no use to so few frequencies.
SIDE_MAX = 24
Channel = list[float]


def placeholder(image: Image.Image) -> str:
    """The picture's thumbhash, in Base64."""
    tiny = image.convert("RGBA")
    tiny.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.BOX)
    return b64encode(thumbhash(*tiny.size, tiny.tobytes())).decode()


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """The thumbhash of pixels, row by row."""
    lightness, yellow, red, alpha = _channels(rgba)
    transparent = min(alpha) < 1
    most = 5 if transparent else 7
    across = max(1, _rounded(most * width / max(width, height)))
    down = max(1, _rounded(most * height / max(width, height)))
    size = (width, height)
    l_mean, l_waves, l_scale = _encoded(lightness, size, max(3, across), max(3, down))
    p_mean, p_waves, p_scale = _encoded(yellow, size, 3, 3)
    q_mean, q_waves, q_scale = _encoded(red, size, 3, 3)
    landscape = width > height
    head = (
        _rounded(63 * l_mean)
        | _rounded(31.5 + 31.5 * p_mean) << 6
        | _rounded(31.5 + 31.5 * q_mean) << 12
        | _rounded(31 * l_scale) << 18
        | transparent << 23
        | (down if landscape else across) << 24
        | _rounded(63 * p_scale) << 27
        | _rounded(63 * q_scale) << 33
        | landscape << 39
    )
    waves = l_waves + p_waves + q_waves
    code = head.to_bytes(5, "little")
    if transparent:
        a_mean, a_waves, a_scale = _encoded(alpha, size, 5, 5)
        code += bytes([_rounded(15 * a_mean) | _rounded(15 * a_scale) << 4])
        waves += a_waves
    nibbles = [_rounded(15 * wave) for wave in waves]
    nibbles += [0] * (len(nibbles) % 2)
    return code + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _channels(rgba: bytes) -> tuple[Channel, Channel, Channel, Channel]:
    """Lightness, yellow against blue, red against green, opacity; what is transparent has the mean colour."""
    alpha = [a / 255 for a in rgba[3::4]]
    opaque = sum(alpha) or 1.0
    bands: list[Channel] = []
    for band in (rgba[0::4], rgba[1::4], rgba[2::4]):
        mean = sum(a * value for a, value in zip(alpha, band, strict=True)) / 255 / opaque
        bands.append([mean * (1 - a) + a / 255 * value for a, value in zip(alpha, band, strict=True)])
    red, green, blue = bands
    pixels = list(zip(red, green, blue, strict=True))
    lightness = [(r + g + b) / 3 for r, g, b in pixels]
    return lightness, [(r + g) / 2 - b for r, g, b in pixels], [r - g for r, g, _ in pixels], alpha


def _encoded(channel: Channel, size: tuple[int, int], across: int, down: int) -> tuple[float, Channel, float]:
    """A channel as cosine waves: its mean, the other waves from 0 to 1, and their scale."""
    width, height = size
    waves_x = [[cos(pi / width * n * (x + 0.5)) for x in range(width)] for n in range(across)]
    waves_y = [[cos(pi / height * n * (y + 0.5)) for y in range(height)] for n in range(down)]
    rows = [channel[y * width : (y + 1) * width] for y in range(height)]
    found: Channel = []
    for ny in range(down):
        nx = 0
        while nx * down < across * (down - ny):
            along = (sum(v * wave for v, wave in zip(row, waves_x[nx], strict=True)) for row in rows)
            found.append(sum(v * wave for v, wave in zip(along, waves_y[ny], strict=True)) / (width * height))
            nx += 1
    mean, *rest = found
    scale = max(map(abs, rest))
    return mean, [0.5 + 0.5 / scale * wave for wave in rest] if scale else rest, scale


def _rounded(value: float) -> int:
    return floor(value + 0.5)  # a half goes up, as in the format's own code
