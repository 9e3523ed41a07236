"""Rendering of thumbnails: decoded, scaled, upright, in sRGB, as WebP."""

from contextlib import suppress
from io import BytesIO

import pi_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from imageferry.thumbnails.placeholder import placeholder
from imageferry.thumbnails.protocol import RenderedThumbnail, RenderRequest, UnreadableError
from imageferry.thumbnails.raw_previews import container_orientation, largest_preview

pi_heif.register_heif_opener()

# Checked in the header, before anything is decoded. A JPEG is decoded at a fraction of its size.
PIXELS_MAX = 150_000_000
JPEG_PIXELS_MAX = 500_000_000
QUALITY = 80
# Limits the height of a thumbnail, as a multiple of its width.
HEIGHT_WIDTHS_MAX = 2
# The formats that Pillow decodes itself. For some of the others it starts programs.
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "HEIF", "ICNS", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI", "SGI"),
    *("TGA", "TIFF", "WEBP"),
)
# Their decoders apply the orientation: the rotation in the listing is done already.
_ROTATED_BY_DECODER = frozenset({"HEIF", "AVIF"})
_SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS_ORIENTATIONS = frozenset({5, 6, 7, 8})
_ORIENTATION_OF_QUARTER_TURNS = {1: 6, 2: 3, 3: 8}


def render(data: bytes, request: RenderRequest) -> RenderedThumbnail:
    """Render a file's image, at most `request.width` wide and twice as high, and never enlarged.

    Of an animation, the first frame. Raises UnreadableError, with one sentence, and whatever a decoder raises.
    """
    # Off: _check_size has a limit for each format, because a JPEG need not be decoded in full.
    Image.MAX_IMAGE_PIXELS = None
    image = largest_preview(data) if request.is_raw else None
    is_preview = image is not None
    image = image or _open(data)
    _check_size(image)
    orientation = _orientation(image) or (container_orientation(data) if is_preview else None)
    if orientation is None and image.format not in _ROTATED_BY_DECODER:
        orientation = _ORIENTATION_OF_QUARTER_TURNS.get(request.quarter_turns % 4)
    width, height = image.size
    if orientation in _SIDEWAYS_ORIENTATIONS:
        width, height = height, width
    scaled = _rotate(_scale(image, _fit(width, height, within=request.width), orientation), orientation)
    return RenderedThumbnail(
        body=_encode_webp(scaled, source_tag=request.source_tag),
        # The size of a preview is not the size of the photograph.
        width=None if is_preview else width,
        height=None if is_preview else height,
        placeholder=placeholder(scaled),
    )


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as exc:
        raise UnreadableError("It is not an image in a supported format.") from exc


def _orientation(image: Image.Image) -> int | None:
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return orientation if orientation in range(1, 9) else None


def _check_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    pixels_max = JPEG_PIXELS_MAX if image.format in {"JPEG", "MPO"} else PIXELS_MAX
    if pixels > pixels_max:
        raise UnreadableError(f"It has {pixels / 1e6:,.0f} megapixels; at most {pixels_max / 1e6:,.0f} are supported.")


def _fit(width: int, height: int, *, within: int) -> tuple[int, int]:
    scale = min(1.0, within / width, HEIGHT_WIDTHS_MAX * within / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _scale(image: Image.Image, size: tuple[int, int], orientation: int | None) -> Image.Image:
    """Scale an image that is not rotated yet to the size of the upright one. Return L, LA, RGB or RGBA in sRGB."""
    target = size[::-1] if orientation in _SIDEWAYS_ORIENTATIONS else size
    profile = image.info.get("icc_profile")
    # A JPEG is decoded at a half, a quarter or an eighth when that leaves enough pixels for a clean last step.
    image.draft(None, (target[0] * 3 // 2, target[1] * 3 // 2))
    image.load()
    averageable = _to_averageable(image)
    if averageable.size != target:
        averageable = averageable.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _to_srgb(averageable, profile)


def _to_averageable(image: Image.Image) -> Image.Image:
    """Convert an image to a mode whose pixels can be averaged, which resizing needs."""
    if image.mode in _SIXTEEN_BIT_MODES:
        # convert("L") alone would clip every value above 255.
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


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    colour = image if alpha is None else image.convert(image.mode.removesuffix("A"))
    if profile:
        # A profile that is broken, or made for another colour mode than the image's, is ignored.
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            colour = converted or colour
    if colour.mode == "CMYK":
        colour = colour.convert("RGB")
    if alpha is not None:
        colour.putalpha(alpha)
    return colour


def _rotate(image: Image.Image, orientation: int | None) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation or 1)
    return image if transposition is None else image.transpose(transposition)


def _encode_webp(image: Image.Image, *, source_tag: str) -> bytes:
    body = BytesIO()
    rgb = image.convert("RGBA" if image.mode in {"LA", "RGBA"} else "RGB")
    # Explicitly empty: Pillow would copy the original's metadata.
    rgb.save(body, "WEBP", quality=QUALITY, method=2, exif=b"", icc_profile=b"", xmp=source_tag.encode())
    return body.getvalue()
