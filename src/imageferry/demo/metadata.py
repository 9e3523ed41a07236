"""Drive's imageMediaMetadata, read from an image."""

import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import SupportsFloat, cast

from PIL import ExifTags, Image, UnidentifiedImageError

_QUARTER_TURNS = {3: 2, 6: 1, 8: 3}  # from the EXIF orientation; Drive omits mirrored ones


def image_metadata(file: bytes | Path) -> Mapping[str, object] | None:
    """Return the metadata, or None when this is not a known image. Reads only the head of the file."""
    try:
        with warnings.catch_warnings():
            # Drive also describes enormous images; nothing is decoded here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(file) if isinstance(file, bytes) else file) as image:
                return _describe(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None


def _describe(image: Image.Image) -> Mapping[str, object]:
    described: dict[str, object] = {"width": image.width, "height": image.height, "rotation": 0}
    exif = image.getexif()
    if not exif:
        return described
    details, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    values = {
        "rotation": _QUARTER_TURNS.get(exif.get(ExifTags.Base.Orientation, 1), 0),
        "time": details.get(ExifTags.Base.DateTimeOriginal),
        "cameraMake": exif.get(ExifTags.Base.Make),
        "cameraModel": exif.get(ExifTags.Base.Model),
        "lens": details.get(ExifTags.Base.LensModel),
        "isoSpeed": details.get(ExifTags.Base.ISOSpeedRatings),
        "aperture": _number(details.get(ExifTags.Base.FNumber)),
        "exposureTime": _number(details.get(ExifTags.Base.ExposureTime)),
        "focalLength": _number(details.get(ExifTags.Base.FocalLength)),
        "location": _location(gps),
    }
    return described | {name: value for name, value in values.items() if value is not None}


def _location(gps: Mapping[int, object]) -> dict[str, float] | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef))
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef))
    if latitude is None or longitude is None:
        return None
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    return {"latitude": latitude, "longitude": longitude} | ({"altitude": altitude} if altitude else {})


def _degrees(parts: object, hemisphere: object) -> float | None:
    if not isinstance(parts, tuple):
        return None
    numbers = [_number(part) for part in parts]
    if len(numbers) != 3 or None in numbers:  # noqa: PLR2004 - degrees, minutes, seconds
        return None
    degrees, minutes, seconds = cast("list[float]", numbers)
    sign = -1 if hemisphere in {"S", "W"} else 1
    return round(sign * (degrees + minutes / 60 + seconds / 3600), 6)


def _number(value: object) -> float | None:
    """Return a number or None: EXIF stores fractions, and a camera may write 0/0."""
    try:
        return round(float(cast("SupportsFloat", value)), 6)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
