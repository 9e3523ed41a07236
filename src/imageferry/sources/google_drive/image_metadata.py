"""What Drive's listing tells of a picture itself."""

from datetime import datetime

import msgspec

from imageferry.model import Media


class ImageMediaMetadata(msgspec.Struct, rename="camel", gc=False):
    """Drive's `imageMediaMetadata`; cameras write odd things, so that no field is relied on to be there."""

    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    time: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    location: "Location | None" = None
    iso_speed: int | None = None
    aperture: float | None = None
    exposure_time: float | None = None
    focal_length: float | None = None


class Location(msgspec.Struct, gc=False):
    """Where a picture was taken; zeros are a real place."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None


_decoder = msgspec.json.Decoder(ImageMediaMetadata, strict=False)


def media_from(raw: msgspec.Raw) -> Media | None:
    """The picture's media, or None where Drive's own is of no use: it is never worth failing a listing."""
    try:
        found = _decoder.decode(raw)
    except msgspec.DecodeError:
        return None
    location = found.location or _NOWHERE
    return Media(
        width=_count(found.width),
        height=_count(found.height),
        rotation=_count(found.rotation),
        taken_at=_taken_at(found.time),
        camera=_camera(found.camera_make, found.camera_model),
        lens=_text(found.lens),
        latitude=location.latitude,
        longitude=location.longitude,
        altitude_m=location.altitude,
        iso=_count(found.iso_speed),
        aperture=found.aperture,
        exposure_s=found.exposure_time,
        focal_length_mm=found.focal_length,
    )


_NOWHERE = Location()
_TEXT_LENGTH_MAX = 255
_COUNT_END = 2**31


def _taken_at(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        # Exif's "2024:05:01 12:30:00"; strptime takes thirty times as long.
        return datetime.fromisoformat(text.replace(":", "-", 2)).replace(tzinfo=None)
    except ValueError:  # "0000:00:00 00:00:00" is what a camera without a clock writes
        return None


def _camera(make: str | None, model: str | None) -> str | None:
    """Make and model in one, without the make twice: many models begin with it."""
    make, model = _text(make) or "", _text(model) or ""
    return _text(model if model.casefold().startswith(make.casefold()) else f"{make} {model}")


def _text(told: str | None) -> str | None:
    """What a camera wrote as every catalog holds it: fields of fixed length end in NULs, and some are only that."""
    return (told or "").replace("\0", " ").strip()[:_TEXT_LENGTH_MAX].strip() or None


def _count(told: int | None) -> int | None:
    """A number, where it is one that every catalog holds."""
    return told if told is not None and 0 <= told < _COUNT_END else None
