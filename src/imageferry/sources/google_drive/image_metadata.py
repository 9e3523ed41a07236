"""Decoding of the image metadata in Drive's listings."""

from datetime import datetime

import msgspec

from imageferry.model import Media


class ImageMediaMetadata(msgspec.Struct, rename="camel", gc=False):
    """Drive's `imageMediaMetadata`. Cameras write invalid values, so every field is optional."""

    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    time: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    location: "ImageMediaLocation | None" = None
    iso_speed: int | None = None
    aperture: float | None = None
    exposure_time: float | None = None
    focal_length: float | None = None


class ImageMediaLocation(msgspec.Struct, gc=False):
    """Where an image was taken; (0, 0) is a valid place."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None


_decoder = msgspec.json.Decoder(ImageMediaMetadata, strict=False)


def parse_media(raw: msgspec.Raw) -> Media | None:
    """Return the image's metadata, or None when Drive's is invalid: a listing never fails because of it."""
    try:
        metadata = _decoder.decode(raw)
    except (ValueError, RecursionError):
        return None
    latitude, longitude, altitude = _place(metadata.location or ImageMediaLocation())
    return Media(
        width=_count(metadata.width),
        height=_count(metadata.height),
        rotation=_count(metadata.rotation),
        taken_at=_taken_at(metadata.time),
        camera=_camera(metadata.camera_make, metadata.camera_model),
        lens=_text(metadata.lens),
        latitude=latitude,
        longitude=longitude,
        altitude_m=altitude,
        iso=_count(metadata.iso_speed),
        aperture=_number(metadata.aperture),
        exposure_s=_number(metadata.exposure_time),
        focal_length_mm=_number(metadata.focal_length),
    )


_TEXT_LENGTH_MAX = 255
_COUNT_LIMIT = 2**31
_NUMBER_LIMIT = 1e9
_YEARS = range(1800, 9999)  # every database and time zone has room for them


def _taken_at(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        # EXIF's "2024:05:01 12:30:00"; strptime is 30 times slower.
        taken_at = datetime.fromisoformat(text.replace(":", "-", 2)).replace(tzinfo=None)
    except ValueError:  # cameras without a clock write "0000:00:00 00:00:00"
        return None
    return taken_at if taken_at.year in _YEARS else None


def _place(location: ImageMediaLocation) -> tuple[float | None, float | None, float | None]:
    """Return latitude, longitude and altitude. A pair of coordinates that isn't on Earth is dropped."""
    latitude, longitude = location.latitude, location.longitude
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004 - degrees
        return None, None, None
    return latitude, longitude, _number(location.altitude)


def _number(value: float | None) -> float | None:
    """Return a number if it is finite and not absurd, else None. JSON has "NaN" and "Infinity" as texts."""
    return value if value is not None and abs(value) < _NUMBER_LIMIT else None


def _camera(make: str | None, model: str | None) -> str | None:
    """Return make and model without repeating the make, which many models start with."""
    make, model = _text(make) or "", _text(model) or ""
    return _text(model if model.casefold().startswith(make.casefold()) else f"{make} {model}")


def _text(value: str | None) -> str | None:
    """Return a text that every database accepts: without NULs, which pad EXIF fields of fixed length, or None."""
    return (value or "").replace("\0", " ").strip()[:_TEXT_LENGTH_MAX].strip() or None


def _count(value: int | None) -> int | None:
    """Return the number if it fits every database's integer column, else None."""
    return value if value is not None and 0 <= value < _COUNT_LIMIT else None
