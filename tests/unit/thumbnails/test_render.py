"""A thumbnail shows what its picture shows, whatever the picture is made of."""

from io import BytesIO

import pytest
from PIL import Image

from imageferry.thumbnails.protocol import Drawn, Order, UnreadableError
from imageferry.thumbnails.render import draw
from tests.drivers.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    alike,
    bomb,
    corners,
    quarters,
    raw_file,
    saved,
    stored_as,
    swapped_profile,
)

ORDER = Order(width=256)
SHOWN = [RED, GREEN, BLUE, WHITE]


def opened(drawn: Drawn) -> Image.Image:
    image = Image.open(BytesIO(drawn.body))
    image.load()
    assert image.format == "WEBP"
    return image


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "TGA"]
)
def test_every_kind_is_shown(kind: str) -> None:
    drawn = draw(saved(quarters(), kind), ORDER)
    image = opened(drawn)
    assert image.size == (256, 192)
    assert (drawn.width, drawn.height) == (800, 600)
    assert alike(corners(image), SHOWN, within=16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_obeyed(orientation: int) -> None:
    drawn = draw(stored_as(orientation, quarters()), ORDER)
    assert opened(drawn).size == (256, 192)
    assert (drawn.width, drawn.height) == (800, 600)
    assert alike(corners(opened(drawn)), SHOWN)


@pytest.mark.parametrize(("turns", "orientation"), [(0, 1), (1, 6), (2, 3), (3, 8)])
def test_the_listings_rotation_is_obeyed_where_the_file_says_nothing(turns: int, orientation: int) -> None:
    with Image.open(BytesIO(stored_as(orientation, quarters()))) as image:
        silent = saved(image, "PNG")
    assert alike(corners(opened(draw(silent, Order(width=256, quarter_turns=turns)))), SHOWN)


def test_a_picture_is_not_turned_twice() -> None:
    for content in (stored_as(6, quarters()), saved(quarters(), "HEIF")):
        turns = 1
        assert alike(corners(opened(draw(content, Order(width=256, quarter_turns=turns)))), SHOWN, within=16)


def test_inks_become_colours() -> None:
    cmyk = saved(quarters().convert("CMYK"), "JPEG", quality=95)
    assert alike(corners(opened(draw(cmyk, ORDER))), SHOWN, within=20)


def test_sixteen_bits_are_not_cut_off() -> None:
    levels = b"".join((level * 257).to_bytes(2, "little") for level in (10, 90, 170, 250))
    deep = Image.frombytes("I;16", (2, 2), levels).resize((400, 400), Image.Resampling.NEAREST)
    for kind in ("PNG", "TIFF"):
        found = [pixel[0] for pixel in corners(opened(draw(saved(deep, kind), ORDER)))]
        assert all(abs(level - wanted) <= 4 for level, wanted in zip(found, (10, 90, 170, 250), strict=True))


def test_a_profile_of_other_primaries_is_honoured() -> None:
    swapped = saved(quarters(), "PNG", icc_profile=swapped_profile())
    red, _, blue, _ = corners(opened(draw(swapped, ORDER)))
    assert alike([red, blue], [RED[::-1], BLUE[::-1]], within=25)


def test_a_profile_that_is_broken_is_passed_over() -> None:
    broken = saved(quarters(), "PNG", icc_profile=b"no profile")
    assert alike(corners(opened(draw(broken, ORDER))), SHOWN)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_shown(kind: str) -> None:
    frames = [quarters(400, 300), Image.new("RGB", (400, 300), BLUE)]
    animation = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert alike(corners(opened(draw(animation, ORDER))), SHOWN, within=20)


def test_what_is_transparent_stays_so() -> None:
    clear = quarters().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 400, 300))
    for content in (saved(clear, "PNG"), saved(clear.quantize(16), "PNG"), saved(clear, "WEBP")):
        image = opened(draw(content, ORDER))
        assert image.mode == "RGBA"
        alphas = [image.getpixel((x, y))[3] for y in (48, 144) for x in (64, 192)]  # type: ignore[index] # four bands
        assert alphas == [0, 255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "F", "I"])
def test_every_mode_of_pixels_can_be_shown(mode: str) -> None:
    kinds = {"PA": "TIFF", "F": "TIFF", "I": "TIFF"}
    image = quarters().convert("P").convert("PA") if mode == "PA" else quarters().convert(mode)
    try:
        content = saved(image, kinds.get(mode, "PNG"))
    except OSError:
        pytest.skip(f"nothing here writes {mode}")
    assert opened(draw(content, ORDER)).size == (256, 192)


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(draw(saved(quarters(100, 60), "PNG"), ORDER)).size == (100, 60)


def test_a_tall_picture_is_bounded_too() -> None:
    assert opened(draw(saved(quarters(500, 20_000), "PNG"), ORDER)).size == (13, 512)


def test_one_pixel_is_a_picture() -> None:
    assert opened(draw(saved(Image.new("RGB", (1, 1), RED), "PNG"), ORDER)).size == (1, 1)
    assert opened(draw(saved(Image.new("RGB", (5000, 1), RED), "PNG"), ORDER)).size == (256, 1)


def test_nothing_of_the_originals_metadata_goes_along() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera nobody should know of"
    drawn = draw(saved(quarters(), "JPEG", exif=exif, comment=b"private"), Order(width=256, mark="imageferry:abc"))
    assert b"camera" not in drawn.body
    assert b"private" not in drawn.body
    assert b"imageferry:abc" in drawn.body


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_raw_file_is_shown_by_its_largest_preview(orientation: int) -> None:
    with Image.open(BytesIO(stored_as(orientation, quarters()))) as stored:
        preview = saved(stored, "JPEG", quality=95)
    drawn = draw(raw_file(preview, orientation=orientation), Order(width=256, raw=True))
    assert alike(corners(opened(drawn)), SHOWN)
    assert drawn.width is None


def test_a_bomb_is_known_by_its_header() -> None:
    with pytest.raises(UnreadableError, match="3,600 megapixels"):
        draw(bomb(60_000), ORDER)


@pytest.mark.parametrize("content", [b"", b"no picture", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"])
def test_what_is_no_picture_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="no picture"):
        draw(content, ORDER)
