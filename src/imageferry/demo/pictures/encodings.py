"""Encoding of images in several formats, with a camera's metadata."""

from datetime import datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

from msgspec import Struct
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

_ROTATED_90 = 6  # EXIF orientation: rotate clockwise by 90 degrees to view


class CameraMetadata(Struct, frozen=True, kw_only=True):
    """EXIF metadata of an image."""

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
    is_rotated: bool = False  # the camera was held sideways


def encode(image: Image.Image, suffix: str, *, camera: CameraMetadata | None = None) -> bytes:
    """Return the file's bytes in the format of the suffix. `camera` is for .jpg only."""
    buffer = BytesIO()
    match suffix:
        case ".jpg" if camera is not None:
            sensor_image = image.rotate(90, expand=True) if camera.is_rotated else image
            sensor_image.save(buffer, "JPEG", quality=88, exif=_exif(camera))
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
    """Return a GIF that loops endlessly."""
    buffer = BytesIO()
    first, *rest = [frame.quantize(64) for frame in frames]
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=frame_ms, loop=0)
    return buffer.getvalue()


def _exif(camera: CameraMetadata) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = camera.make
    exif[ExifTags.Base.Model] = camera.model
    exif[ExifTags.Base.Orientation] = _ROTATED_90 if camera.is_rotated else 1
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: f"{camera.taken_at:%Y:%m:%d %H:%M:%S}",
            ExifTags.Base.LensModel: camera.lens,
            ExifTags.Base.ISOSpeedRatings: camera.iso,
            ExifTags.Base.FNumber: IFDRational(round(camera.aperture * 10), 10),
            ExifTags.Base.ExposureTime: IFDRational(camera.exposure.numerator, camera.exposure.denominator),
            ExifTags.Base.FocalLength: IFDRational(round(camera.focal_length_mm * 10), 10),
        }
    )
    if camera.latitude is not None and camera.longitude is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N" if camera.latitude >= 0 else "S",
                ExifTags.GPS.GPSLatitude: _degrees(camera.latitude),
                ExifTags.GPS.GPSLongitudeRef: "E" if camera.longitude >= 0 else "W",
                ExifTags.GPS.GPSLongitude: _degrees(camera.longitude),
                ExifTags.GPS.GPSAltitude: IFDRational(round(camera.altitude_m * 10), 10),
            }
        )
    return exif


def _degrees(degrees: float) -> tuple[Any, ...]:
    minutes, seconds = divmod(round(abs(degrees) * 360_000), 6_000)
    whole, minutes = divmod(minutes, 60)
    return IFDRational(whole), IFDRational(minutes), IFDRational(seconds, 100)
