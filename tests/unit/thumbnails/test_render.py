"""A thumbnail shows the same picture as its image, for every format."""

from io import BytesIO

import pytest
from PIL import Image

from imageferry.thumbnails.protocol import RenderedThumbnail, RenderRequest, UnreadableError
from imageferry.thumbnails.render import render
from tests.drivers.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    colors_match,
    decompression_bomb,
    encode_image,
    four_color_image,
    jpeg_with_orientation,
    quadrant_colors,
    raw_file,
    red_blue_swapped_profile,
)

REQUEST = RenderRequest(width=256)
CORNERS = [RED, GREEN, BLUE, WHITE]


def decode(thumbnail: RenderedThumbnail) -> Image.Image:
    image = Image.open(BytesIO(thumbnail.body))
    image.load()
    assert image.format == "WEBP"
    return image


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "TGA"]
)
def test_every_supported_format_is_rendered(kind: str) -> None:
    thumbnail = render(encode_image(four_color_image(), kind), REQUEST)
    image = decode(thumbnail)
    assert image.size == (256, 192)
    assert (thumbnail.width, thumbnail.height) == (800, 600)
    assert colors_match(quadrant_colors(image), CORNERS, within=16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int) -> None:
    thumbnail = render(jpeg_with_orientation(orientation, four_color_image()), REQUEST)
    assert decode(thumbnail).size == (256, 192)
    assert (thumbnail.width, thumbnail.height) == (800, 600)
    assert colors_match(quadrant_colors(decode(thumbnail)), CORNERS)


@pytest.mark.parametrize(("turns", "orientation"), [(0, 1), (1, 6), (2, 3), (3, 8)])
def test_the_listings_rotation_is_applied_when_the_file_has_no_orientation(turns: int, orientation: int) -> None:
    with Image.open(BytesIO(jpeg_with_orientation(orientation, four_color_image()))) as image:
        without_exif = encode_image(image, "PNG")
    assert colors_match(
        quadrant_colors(decode(render(without_exif, RenderRequest(width=256, quarter_turns=turns)))), CORNERS
    )


def test_an_image_is_not_rotated_twice() -> None:
    for content in (jpeg_with_orientation(6, four_color_image()), encode_image(four_color_image(), "HEIF")):
        turns = 1
        assert colors_match(
            quadrant_colors(decode(render(content, RenderRequest(width=256, quarter_turns=turns)))), CORNERS, within=16
        )


def test_cmyk_is_converted_to_rgb() -> None:
    cmyk = encode_image(four_color_image().convert("CMYK"), "JPEG", quality=95)
    assert colors_match(quadrant_colors(decode(render(cmyk, REQUEST))), CORNERS, within=20)


def test_sixteen_bit_values_are_scaled_and_not_clipped() -> None:
    levels = b"".join((level * 257).to_bytes(2, "little") for level in (10, 90, 170, 250))
    deep = Image.frombytes("I;16", (2, 2), levels).resize((400, 400), Image.Resampling.NEAREST)
    for kind in ("PNG", "TIFF"):
        found = [pixel[0] for pixel in quadrant_colors(decode(render(encode_image(deep, kind), REQUEST)))]
        assert all(abs(level - expected) <= 4 for level, expected in zip(found, (10, 90, 170, 250), strict=True))


def test_a_colour_profile_is_applied() -> None:
    swapped = encode_image(four_color_image(), "PNG", icc_profile=red_blue_swapped_profile())
    red, _, blue, _ = quadrant_colors(decode(render(swapped, REQUEST)))
    assert colors_match([red, blue], [RED[::-1], BLUE[::-1]], within=25)


def test_a_broken_colour_profile_is_ignored() -> None:
    broken = encode_image(four_color_image(), "PNG", icc_profile=b"no profile")
    assert colors_match(quadrant_colors(decode(render(broken, REQUEST))), CORNERS)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation_is_rendered(kind: str) -> None:
    frames = [four_color_image(400, 300), Image.new("RGB", (400, 300), BLUE)]
    animation = encode_image(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert colors_match(quadrant_colors(decode(render(animation, REQUEST))), CORNERS, within=20)


def test_transparency_is_kept() -> None:
    clear = four_color_image().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 400, 300))
    for content in (encode_image(clear, "PNG"), encode_image(clear.quantize(16), "PNG"), encode_image(clear, "WEBP")):
        image = decode(render(content, REQUEST))
        assert image.mode == "RGBA"
        alphas = [image.getpixel((x, y))[3] for y in (48, 144) for x in (64, 192)]  # type: ignore[index] # four bands
        assert alphas == [0, 255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "F", "I"])
def test_every_pixel_mode_is_rendered(mode: str) -> None:
    kinds = {"PA": "TIFF", "F": "TIFF", "I": "TIFF"}
    image = four_color_image().convert("P").convert("PA") if mode == "PA" else four_color_image().convert(mode)
    try:
        content = encode_image(image, kinds.get(mode, "PNG"))
    except OSError:
        pytest.skip(f"Pillow cannot write {mode} here")
    assert decode(render(content, REQUEST)).size == (256, 192)


def test_a_small_image_is_not_enlarged() -> None:
    assert decode(render(encode_image(four_color_image(100, 60), "PNG"), REQUEST)).size == (100, 60)


def test_the_height_of_a_tall_image_is_limited() -> None:
    assert decode(render(encode_image(four_color_image(500, 20_000), "PNG"), REQUEST)).size == (13, 512)


def test_an_image_of_one_pixel_is_rendered() -> None:
    assert decode(render(encode_image(Image.new("RGB", (1, 1), RED), "PNG"), REQUEST)).size == (1, 1)
    assert decode(render(encode_image(Image.new("RGB", (5000, 1), RED), "PNG"), REQUEST)).size == (256, 1)


def test_the_originals_metadata_is_removed() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A private camera"
    thumbnail = render(
        encode_image(four_color_image(), "JPEG", exif=exif, comment=b"private"),
        RenderRequest(width=256, source_tag="imageferry:abc"),
    )
    assert b"camera" not in thumbnail.body
    assert b"private" not in thumbnail.body
    assert b"imageferry:abc" in thumbnail.body


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_largest_preview_of_a_raw_file_is_rendered(orientation: int) -> None:
    with Image.open(BytesIO(jpeg_with_orientation(orientation, four_color_image()))) as stored:
        preview = encode_image(stored, "JPEG", quality=95)
    thumbnail = render(raw_file(preview, orientation=orientation), RenderRequest(width=256, is_raw=True))
    assert colors_match(quadrant_colors(decode(thumbnail)), CORNERS)
    assert thumbnail.width is None


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(UnreadableError, match="3,600 megapixels"):
        render(decompression_bomb(60_000), REQUEST)


@pytest.mark.parametrize("content", [b"", b"not an image", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"])
def test_a_file_that_is_not_an_image_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="not an image"):
        render(content, REQUEST)
