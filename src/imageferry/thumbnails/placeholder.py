"""Thumbhash: a blurred placeholder of an image in about 25 bytes, shown while the image loads.

The format is https://evanw.github.io/thumbhash. Of its two ports on PyPI, one fails on transparent images and the other
needs a Pillow that is years old.
"""

from base64 import b64encode
from math import cos, floor, pi

from PIL import Image

# A larger image would add nothing: the hash has at most 7 frequencies in each direction.
SIDE_MAX = 24
Channel = list[float]


def placeholder(image: Image.Image) -> str:
    """Return an image's thumbhash, in Base64."""
    tiny = image.convert("RGBA")
    tiny.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.BOX)
    return b64encode(thumbhash(*tiny.size, tiny.tobytes())).decode()


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the thumbhash of pixels: 4 bytes each, row by row."""
    lightness, yellow, red, alpha = _channels(rgba)
    transparent = min(alpha) < 1
    waves_max = 5 if transparent else 7
    across = max(1, _round(waves_max * width / max(width, height)))
    down = max(1, _round(waves_max * height / max(width, height)))
    size = (width, height)
    l_mean, l_waves, l_scale = _encode_channel(lightness, size, max(3, across), max(3, down))
    p_mean, p_waves, p_scale = _encode_channel(yellow, size, 3, 3)
    q_mean, q_waves, q_scale = _encode_channel(red, size, 3, 3)
    landscape = width > height
    head = (
        _round(63 * l_mean)
        | _round(31.5 + 31.5 * p_mean) << 6
        | _round(31.5 + 31.5 * q_mean) << 12
        | _round(31 * l_scale) << 18
        | transparent << 23
        | (down if landscape else across) << 24
        | _round(63 * p_scale) << 27
        | _round(63 * q_scale) << 33
        | landscape << 39
    )
    waves = l_waves + p_waves + q_waves
    code = head.to_bytes(5, "little")
    if transparent:
        a_mean, a_waves, a_scale = _encode_channel(alpha, size, 5, 5)
        code += bytes([_round(15 * a_mean) | _round(15 * a_scale) << 4])
        waves += a_waves
    nibbles = [_round(15 * wave) for wave in waves]
    nibbles += [0] * (len(nibbles) % 2)
    return code + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _channels(rgba: bytes) -> tuple[Channel, Channel, Channel, Channel]:
    """Return lightness, yellow minus blue, red minus green, and opacity. Transparent pixels get the mean colour."""
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


def _encode_channel(channel: Channel, size: tuple[int, int], across: int, down: int) -> tuple[float, Channel, float]:
    """Return a channel's cosine transform: its mean, the other coefficients scaled to 0..1, and their scale."""
    width, height = size
    waves_x = [[cos(pi / width * n * (x + 0.5)) for x in range(width)] for n in range(across)]
    waves_y = [[cos(pi / height * n * (y + 0.5)) for y in range(height)] for n in range(down)]
    rows = [channel[y * width : (y + 1) * width] for y in range(height)]
    coefficients: Channel = []
    for ny in range(down):
        nx = 0
        while nx * down < across * (down - ny):
            along = (sum(v * wave for v, wave in zip(row, waves_x[nx], strict=True)) for row in rows)
            coefficients.append(sum(v * wave for v, wave in zip(along, waves_y[ny], strict=True)) / (width * height))
            nx += 1
    mean, *rest = coefficients
    scale = max(map(abs, rest))
    return mean, [0.5 + 0.5 / scale * wave for wave in rest] if scale else rest, scale


def _round(value: float) -> int:
    return floor(value + 0.5)  # a half is rounded up, as in the format's reference code
