"""A synthetic image library of any size, the same every time: its records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from random import Random
from typing import Any

from imageferry.catalog.images.name_tokens import name_key
from imageferry.stores.keys import object_key

SOURCE = "google_drive"
FIRST_TAKEN_AT = datetime(2012, 1, 1)  # noqa: DTZ001 - the catalog's times have no zone
STORED_AT = datetime(2026, 11, 1)  # noqa: DTZ001 - the catalog's times have no zone
YEARS = 14
FOLDERS = 2_000
JOBS = 20
# One image in so many has the rare word, camera and type: a search must find them without reading everything.
RARE_EVERY = 20_000
RARE_WORD, RARE_CAMERA, RARE_TYPE = "zanzibar", "Leica M11", "image/tiff"
COMMON_WORD = "holiday"

_CAMERAS = (None, "Canon EOS 80D", "Apple iPhone 15 Pro", "Google Pixel 8", "NIKON Z 6_2", "FUJIFILM X-T5")
_TYPES = ("image/jpeg",) * 45 + ("image/heif",) * 3 + ("image/png", "image/webp")
_OCCASIONS = (COMMON_WORD, "Wedding", "Garden", "Über den Wolken", "京都", "Scan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleObject:
    """An object in the store that many records share."""

    object_key: str
    mime_type: str
    md5: str
    size_bytes: int
    width: int
    height: int


def folder_of(number: int, records: int) -> int:
    """Return the number of a record's folder: folder 0 has a tenth of all records, the others a few weeks each."""
    return 0 if number % 10 == 0 else 1 + (FOLDERS - 1) * number // records


def job_id(number: int) -> str:
    """Return the id of one of the jobs that stored the library."""
    return f"00000000-0000-4000-8000-{number:012d}"


def folder_id(number: int) -> str:
    """Return the id of one of its folders."""
    return f"1Folder{number:026d}"


def image_rows(count: int, *, store: str, samples: Sequence[SampleObject] = ()) -> Iterator[dict[str, Any]]:
    """Yield rows of the images table, with ids from 1; with samples, they refer to these objects in turn."""
    rnd = Random(count)
    step = timedelta(days=365.25 * YEARS) / count
    for number in range(count):
        is_rare = number % RARE_EVERY == RARE_EVERY // 2
        taken_at = FIRST_TAKEN_AT + step * number + timedelta(seconds=rnd.randrange(3600))
        taken_at = taken_at.replace(microsecond=0)
        created_at = STORED_AT + timedelta(seconds=number // 100)
        folder = folder_of(number, count)
        occasion = RARE_WORD if is_rare else rnd.choice(_OCCASIONS)
        name = (
            f"{occasion} {number:07d}.jpg" if is_rare or number % 4 == 0 else f"IMG_{taken_at:%Y%m%d}_{number:07d}.jpg"
        )
        file_id = f"1File{number:028d}"
        has_date, has_location = number % 33 != 0, number % 5 < 2  # noqa: PLR2004 - proportions of the library
        shape = (4032, 3024) if rnd.random() < 0.7 else (3024, 4032)  # noqa: PLR2004 - proportions of the library
        row = {
            "id": number + 1,
            "source": SOURCE,
            "store": store,
            "file_id": file_id,
            "folder_id": folder_id(folder),
            "job_id": job_id(number * JOBS // count),
            "name": name,
            "name_key": name_key(name),
            "path": "" if folder == 0 else f"{FIRST_TAKEN_AT.year + folder % YEARS}/Folder {folder:04d}",
            "mime_type": RARE_TYPE if is_rare else rnd.choice(_TYPES),
            "size_bytes": int(rnd.lognormvariate(14.8, 0.6)),
            "md5": md5(file_id.encode(), usedforsecurity=False).hexdigest(),
            "version": "1",
            "object_key": object_key(folder_id=folder_id(folder), file_id=file_id, name=name),
            "digest_mismatch": False,
            "width": shape[0],
            "height": shape[1],
            "taken_at": taken_at if has_date else None,
            "sort_date": taken_at if has_date else created_at,
            "camera": RARE_CAMERA if is_rare else _CAMERAS[rnd.randrange(len(_CAMERAS))],
            "latitude": rnd.uniform(-60, 70) if has_location else None,
            "longitude": rnd.uniform(-180, 180) if has_location else None,
            "created_at": created_at,
            "updated_at": created_at,
        }
        if samples:
            sample = samples[number % len(samples)]
            row |= {name: getattr(sample, name) for name in SampleObject.__dataclass_fields__}
        yield row
