"""What Drive tells of a picture beside its bytes: imageMediaMetadata, read from the picture itself."""

import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import SupportsFloat, cast

from PIL import ExifTags, Image, UnidentifiedImageError

_QUARTER_TURNS = {3: 2, 6: 1, 8: 3}  # from EXIF's orientation; mirrored ones are not told by Drive


def picture_metadata(picture: bytes | Path) -> Mapping[str, object] | None:
    """Only the head is read, so a picture that breaks off later has metadata too; None: no known picture."""
    try:
        with warnings.catch_warnings():
            # Drive describes enormous pictures as well; nothing is decoded here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
                return _described(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return None


def _described(image: Image.Image) -> Mapping[str, object]:
    described: dict[str, object] = {"width": image.width, "height": image.height, "rotation": 0}
    exif = image.getexif()
    if not exif:
        return described
    details, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    told = {
        "rotation": _QUARTER_TURNS.get(exif.get(ExifTags.Base.Orientation, 1), 0),
        "time": details.get(ExifTags.Base.DateTimeOriginal),
        "cameraMake": exif.get(ExifTags.Base.Make),
        "cameraModel": exif.get(ExifTags.Base.Model),
        "lens": details.get(ExifTags.Base.LensModel),
        "isoSpeed": details.get(ExifTags.Base.ISOSpeedRatings),
        "aperture": _number(details.get(ExifTags.Base.FNumber)),
        "exposureTime": _number(details.get(ExifTags.Base.ExposureTime)),
        "focalLength": _number(details.get(ExifTags.Base.FocalLength)),
        "location": _location(place),
    }
    return described | {name: value for name, value in told.items() if value is not None}


def _location(place: Mapping[int, object]) -> dict[str, float] | None:
    latitude = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef))
    longitude = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef))
    if latitude is None or longitude is None:
        return None
    altitude = _number(place.get(ExifTags.GPS.GPSAltitude))
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
    """EXIF writes fractions, and a camera may write 0/0."""
    try:
        return round(float(cast("SupportsFloat", value)), 6)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
