"""Procedurally generated scenes. The same random numbers give the same image."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from math import pi, sin
from random import Random
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFilter, ImageOps

Size: TypeAlias = tuple[int, int]
Colour: TypeAlias = tuple[int, int, int]
Scene: TypeAlias = Callable[[Size, Random], Image.Image]

# Colours of a sky at its top and horizon, and of the ground.
_SKIES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((38, 84, 160), (214, 232, 246), (28, 58, 66)),  # noon
    ((58, 44, 102), (250, 170, 112), (40, 24, 48)),  # evening
    ((120, 150, 190), (252, 222, 206), (52, 62, 84)),  # morning
    ((20, 60, 90), (240, 214, 150), (20, 44, 44)),  # late
    ((140, 90, 150), (255, 204, 190), (66, 34, 74)),  # dusk
)

_RIDGE_POINTS = 257  # one more than a power of two


def mountains(size: Size, random: Random) -> Image.Image:
    """Draw mountain ridges, paler with distance."""
    top, horizon, ground = random.choice(_SKIES)
    image = _sky(size, top, horizon)
    _glow(image, random, colour=(255, 244, 214))
    draw = ImageDraw.Draw(image)
    ridges = random.randint(4, 6)
    for number in range(ridges):
        nearness = (number + 1) / ridges
        base = size[1] * (0.42 + 0.5 * nearness**1.3)
        line = _ridge(size[0], random, base=base, relief=size[1] * (0.26 - 0.16 * nearness))
        draw.polygon([(0, size[1]), *line, size], fill=_between(horizon, ground, nearness))
    return image


def seaside(size: Size, random: Random) -> Image.Image:
    """Draw a sun over water, with its reflection."""
    width, height = size
    top, horizon, ground = random.choice(_SKIES[1:])
    image = _sky(size, top, horizon)
    sun = _glow(image, random, colour=(255, 238, 200))
    shore = round(height * 0.6)
    image.paste(_sky((width, height - shore), _between(horizon, top, 0.35), ground), (0, shore))
    draw = ImageDraw.Draw(image)
    for y in range(shore + 2, height, 5):
        spread = 12 + (y - shore) * 0.5
        for _ in range(7):
            x, half = sun[0] + random.gauss(0, spread), random.uniform(3, 8 + spread / 5)
            draw.line(
                [(x - half, y), (x + half, y)], fill=_between((255, 240, 206), top, random.random() * 0.7), width=2
            )
    return image


def city(size: Size, random: Random) -> Image.Image:
    """Draw buildings after sunset, with some windows lit."""
    width, height = size
    image = _sky(size, (12, 16, 44), random.choice([(140, 80, 110), (70, 90, 150), (190, 120, 90)]))
    draw = ImageDraw.Draw(image)
    for row in range(3):
        wall = _between((54, 54, 92), (12, 12, 24), row / 2)
        x = -random.randint(0, 40)
        while x < width:
            across = random.randint(50, 110)
            roof = height - round(height * random.uniform(0.22, 0.66 - 0.14 * row))
            draw.rectangle([x, roof, x + across, height], fill=wall)
            for left in range(x + 8, x + across - 10, 14):
                for upper in range(roof + 10, height - 12, 18):
                    if random.random() < 0.16 + 0.1 * row:
                        draw.rectangle(
                            [left, upper, left + 6, upper + 9],
                            fill=_between((255, 220, 140), wall, random.random() * 0.5),
                        )
            x += across + random.randint(2, 8)
    return image


def meadow(size: Size, random: Random) -> Image.Image:
    """Draw hills with flowers."""
    width, height = size
    image = _sky(size, (88, 154, 214), (232, 244, 250))
    draw = ImageDraw.Draw(image)
    petals = random.choices([(236, 76, 76), (250, 210, 70), (246, 246, 240), (150, 96, 200), (255, 140, 180)], k=3)
    for number in range(4):
        base, swing, phase = height * (0.45 + 0.15 * number), height * 0.05, random.uniform(0, 2 * pi)
        waves = random.uniform(0.8, 1.8)
        line = [(x, base + swing * sin(phase + waves * 2 * pi * x / width)) for x in range(0, width + 16, 16)]
        draw.polygon([(0, height), *line, size], fill=_between((150, 196, 110), (34, 98, 48), number / 3))
        for _ in range(90 * (number + 1)):
            x, radius = random.uniform(0, width), 1 + number * random.uniform(0.6, 1.6)
            y = base + swing + random.uniform(0, height * 0.16)
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=random.choice(petals))
    return image


def night(size: Size, random: Random) -> Image.Image:
    """Draw stars, northern lights and a dark ridge."""
    width, height = size
    image = _sky(size, (4, 8, 26), (18, 42, 66))
    draw = ImageDraw.Draw(image)
    for _ in range(width * height // 2_500):
        x, y, light = random.uniform(0, width), random.uniform(0, height * 0.8), random.randint(90, 255)
        radius = random.choice([0.5, 0.5, 1, 1.5])
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(light, light, min(255, light + 20)))
    curtain = Image.new("L", (160, 100))
    brush = ImageDraw.Draw(curtain)
    for _ in range(3):
        phase, base = random.uniform(0, 2 * pi), random.uniform(30, 60)
        for x in range(160):
            foot = base + 12 * sin(phase + x / 22) + 5 * sin(phase * 2 + x / 9)
            brush.line([(x, foot - random.uniform(16, 30)), (x, foot)], fill=random.randint(70, 190))
    veil = curtain.filter(ImageFilter.GaussianBlur(3)).resize(size, Image.Resampling.BICUBIC)
    image.paste(random.choice([(90, 240, 170), (130, 220, 240), (200, 130, 240)]), mask=veil)
    line = _ridge(width, random, base=height * 0.86, relief=height * 0.1)
    ImageDraw.Draw(image).polygon([(0, height), *line, size], fill=(4, 8, 12))
    return image


def lights(size: Size, random: Random) -> Image.Image:
    """Draw lights out of focus."""
    # Drawn small and enlarged, since nothing is sharp.
    small = (max(1, size[0] // 4), max(1, size[1] // 4))
    image = _sky(small, (16, 12, 30), (48, 24, 60))
    hues = [(255, 190, 90), (255, 110, 120), (120, 190, 255), (250, 240, 200), (180, 120, 255)]
    for _ in range(60):
        lamp = Image.new("L", small)
        x, y, radius = random.uniform(0, small[0]), random.uniform(0, small[1]), random.uniform(6, small[0] / 10)
        ImageDraw.Draw(lamp).ellipse([x - radius, y - radius, x + radius, y + radius], fill=random.randint(30, 120))
        image.paste(random.choice(hues), mask=lamp)
    return image.filter(ImageFilter.GaussianBlur(1.6)).resize(size, Image.Resampling.BICUBIC)


def fractal(size: Size, random: Random) -> Image.Image:
    """Draw a part of the Mandelbrot set."""
    x, y, reach = random.choice(
        [(-0.745, 0.11, 0.02), (-0.16, 1.035, 0.04), (0.285, 0.012, 0.012), (-1.25, 0.03, 0.06), (-0.6, 0.0, 1.4)]
    )
    reach *= random.uniform(0.8, 1.3)
    tall = reach * size[1] / size[0]
    depth = Image.effect_mandelbrot(size, (x - reach, y - tall, x + reach, y + tall), 90)
    dark, middle, light = random.choice(
        [("#06123a", "#d2572b", "#fff3c4"), ("#1b0631", "#1d8a99", "#f4f9d2"), ("#0b1d13", "#7a9e2f", "#fff7e0")]
    )
    return ImageOps.colorize(ImageOps.autocontrast(depth), black=dark, mid=middle, white=light)


def plain_jpeg() -> bytes:
    """Return a small, plain JPEG, for files that only need to be images."""
    size = (320, 240)
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    buffer = BytesIO()
    Image.merge("RGB", (across, Image.radial_gradient("L").resize(size), down)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _sky(size: Size, top: Colour, bottom: Colour) -> Image.Image:
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), black=top, white=bottom)


def _glow(image: Image.Image, random: Random, *, colour: Colour) -> tuple[int, int]:
    """Draw a sun in the upper half. Return its centre."""
    width, height = image.size
    radius = round(min(width, height) * random.uniform(0.22, 0.34))
    centre = round(width * random.uniform(0.2, 0.8)), round(height * random.uniform(0.18, 0.42))
    # Pillow's radial gradient is 181 at the middle of the edges.
    light = Image.radial_gradient("L").point(lambda distance: max(0, 181 - distance) ** 2 * 230 // 181**2)
    halo = light.resize((2 * radius, 2 * radius))
    image.paste(colour, (centre[0] - radius, centre[1] - radius), mask=halo)
    disc = radius // 4
    x, y = centre
    ImageDraw.Draw(image).ellipse([x - disc, y - disc, x + disc, y + disc], fill=colour)
    return centre


def _ridge(width: int, random: Random, *, base: float, relief: float) -> list[tuple[float, float]]:
    """Return a jagged line from left to right, by midpoint displacement."""
    heights = [base + random.uniform(-relief, relief), base + random.uniform(-relief, relief)]
    while len(heights) < _RIDGE_POINTS:
        relief /= 1.9
        middles = [(one + other) / 2 + random.uniform(-relief, relief) for one, other in pairwise(heights)]
        heights = [height for pair in zip(heights, middles, strict=False) for height in pair] + heights[-1:]
    return [(width * place / (len(heights) - 1), height) for place, height in enumerate(heights)]


def _between(one: Colour, other: Colour, fraction: float) -> Colour:
    red, green, blue = (round(a + (b - a) * fraction) for a, b in zip(one, other, strict=True))
    return red, green, blue
