"""Pictures as files of every kind, with what a camera would have written into them."""

from datetime import datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

from msgspec import Struct
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

_ON_ITS_SIDE = 6  # EXIF: to be turned clockwise by a quarter


class Shot(Struct, frozen=True, kw_only=True):
    """What a camera tells of one picture."""

    make: str
    model: str
    lens: str
    taken_at: datetime
    iso: int
    aperture: float
    exposure: Fraction  # seconds
    focal_length_mm: float
    latitude: float | None = None  # degrees
    longitude: float | None = None
    altitude_m: float = 0.0
    sideways: bool = False  # held so that it must be turned to be looked at


def encoded(image: Image.Image, suffix: str, *, shot: Shot | None = None) -> bytes:
    """The file's bytes, as the suffix says; `shot` is for .jpg."""
    buffer = BytesIO()
    match suffix:
        case ".jpg" if shot is not None:
            upright = image.rotate(90, expand=True) if shot.sideways else image
            upright.save(buffer, "JPEG", quality=88, exif=_exif(shot))
        case ".jpg":
            image.save(buffer, "JPEG", quality=88)
        case ".png":
            image.save(buffer, "PNG", compress_level=3)
        case ".webp":
            image.save(buffer, "WEBP", quality=80, method=1)
        case ".avif":
            image.save(buffer, "AVIF", quality=60, speed=10)
        case ".gif":
            image.quantize(128).save(buffer, "GIF")
        case ".tif":
            image.save(buffer, "TIFF", compression="tiff_lzw")
        case _:
            raise ValueError(f"No encoding for {suffix!r}.")
    return buffer.getvalue()


def animated_gif(frames: list[Image.Image], *, frame_ms: int) -> bytes:
    """Frames that go round for ever."""
    buffer = BytesIO()
    first, *rest = [frame.quantize(64) for frame in frames]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=frame_ms, loop=0)
    return buffer.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = shot.make
    exif[ExifTags.Base.Model] = shot.model
    exif[ExifTags.Base.Orientation] = _ON_ITS_SIDE if shot.sideways else 1
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: f"{shot.taken_at:%Y:%m:%d %H:%M:%S}",
            ExifTags.Base.LensModel: shot.lens,
            ExifTags.Base.ISOSpeedRatings: shot.iso,
            ExifTags.Base.FNumber: IFDRational(round(shot.aperture * 10), 10),
            ExifTags.Base.ExposureTime: IFDRational(shot.exposure.numerator, shot.exposure.denominator),
            ExifTags.Base.FocalLength: IFDRational(round(shot.focal_length_mm * 10), 10),
        }
    )
    if shot.latitude is not None and shot.longitude is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N" if shot.latitude >= 0 else "S",
                ExifTags.GPS.GPSLatitude: _degrees(shot.latitude),
                ExifTags.GPS.GPSLongitudeRef: "E" if shot.longitude >= 0 else "W",
                ExifTags.GPS.GPSLongitude: _degrees(shot.longitude),
                ExifTags.GPS.GPSAltitude: IFDRational(round(shot.altitude_m * 10), 10),
            }
        )
    return exif


def _degrees(degrees: float) -> tuple[Any, ...]:
    minutes, seconds = divmod(round(abs(degrees) * 360_000), 6_000)
    whole, minutes = divmod(minutes, 60)
    return IFDRational(whole), IFDRational(minutes), IFDRational(seconds, 100)
