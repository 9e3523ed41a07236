"""A picture made small: decoded, upright, in sRGB, as WebP."""

from contextlib import suppress
from io import BytesIO

import pi_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from imageferry.thumbnails.placeholder import placeholder
from imageferry.thumbnails.protocol import Drawn, Order, UnreadableError
from imageferry.thumbnails.raw_previews import container_orientation, largest_preview

pi_heif.register_heif_opener()

# Of a picture's header, before anything is decoded. A JPEG is decoded at a fraction of its size.
PIXELS_MAX = 150_000_000
JPEG_PIXELS_MAX = 500_000_000
QUALITY = 80
# What is shown of a tall picture, in widths.
HEIGHT_WIDTHS_MAX = 2
# Formats that Pillow decodes itself, of all that it knows: some of the others start programs.
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "HEIF", "ICNS", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI"),
    *("TGA", "TIFF", "WEBP"),
)
# Their decoders turn the picture themselves: what the listing says of it is done already.
_TURNED_BY_DECODER = frozenset({"HEIF", "AVIF"})
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
_OF_QUARTER_TURNS = {1: 6, 2: 3, 3: 8}


def draw(data: bytes, order: Order) -> Drawn:
    """The picture in a file's bytes, at most `order.width` wide and twice that high, and never enlarged.

    Of an animation, its first frame. Raises UnreadableError, in a sentence, and whatever a decoder raises.
    """
    # Sizes are checked here, by what is decoded and not by what is in the header.
    Image.MAX_IMAGE_PIXELS = None
    image = largest_preview(data) if order.raw else None
    is_preview = image is not None
    image = image or _opened(data)
    _check_size(image)
    orientation = _orientation(image) or (container_orientation(data) if is_preview else None)
    if orientation is None and image.format not in _TURNED_BY_DECODER:
        orientation = _OF_QUARTER_TURNS.get(order.quarter_turns % 4)
    width, height = image.size
    if orientation in _ON_ITS_SIDE:
        width, height = height, width
    small = _upright(_small(image, _fit(width, height, within=order.width), orientation), orientation)
    return Drawn(
        body=_webp(small, mark=order.mark),
        # A preview's size is not its photograph's.
        width=None if is_preview else width,
        height=None if is_preview else height,
        placeholder=placeholder(small),
    )


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as exc:
        raise UnreadableError("It is no picture of a kind that can be read.") from exc


def _orientation(image: Image.Image) -> int | None:
    told = image.getexif().get(ExifTags.Base.Orientation)
    return told if told in range(1, 9) else None


def _check_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    most = JPEG_PIXELS_MAX if image.format in {"JPEG", "MPO"} else PIXELS_MAX
    if pixels > most:
        raise UnreadableError(f"It has {pixels / 1e6:,.0f} megapixels; up to {most / 1e6:,.0f} are read.")


def _fit(width: int, height: int, *, within: int) -> tuple[int, int]:
    scale = min(1.0, within / width, HEIGHT_WIDTHS_MAX * within / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _small(image: Image.Image, size: tuple[int, int], orientation: int | None) -> Image.Image:
    """The picture at a size that is meant upright, itself not turned yet; L, LA, RGB or RGBA, in sRGB."""
    target = size[::-1] if orientation in _ON_ITS_SIDE else size
    profile = image.info.get("icc_profile")
    # A JPEG is decoded at half, a quarter or an eighth where that leaves enough for the last step to be a clean one.
    image.draft(None, (target[0] * 3 // 2, target[1] * 3 // 2))
    image.load()
    resizable = _resizable(image)
    if resizable.size != target:
        resizable = resizable.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _in_srgb(resizable, profile)


def _resizable(image: Image.Image) -> Image.Image:
    """The same picture with pixels that can be averaged."""
    if image.mode in _SIXTEEN_BITS:
        # A conversion alone would cut off all that is brighter than 255.
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if image.mode == "F":
        low, high = image.getextrema()
        span = (float(high) - float(low)) or 1.0  # type: ignore[arg-type] # one band has one pair
        return image.point(lambda level: level * (255 / span) - float(low) * 255 / span).convert("L")  # type: ignore[arg-type]
    if image.mode in {"P", "PA"} or "transparency" in image.info:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    colour = image if alpha is None else image.convert(image.mode.removesuffix("A"))
    if profile:
        # A profile that is broken, or of other colours than the picture's, says nothing of it.
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            colour = converted or colour
    if colour.mode == "CMYK":
        colour = colour.convert("RGB")
    if alpha is not None:
        colour.putalpha(alpha)
    return colour


def _upright(image: Image.Image, orientation: int | None) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation or 1)
    return image if transposition is None else image.transpose(transposition)


def _webp(image: Image.Image, *, mark: str) -> bytes:
    body = BytesIO()
    rgb = image.convert("RGBA" if image.mode in {"LA", "RGBA"} else "RGB")
    # Empty ones, or Pillow would copy the original's.
    rgb.save(body, "WEBP", quality=QUALITY, method=2, exif=b"", icc_profile=b"", xmp=mark.encode())
    return body.getvalue()
