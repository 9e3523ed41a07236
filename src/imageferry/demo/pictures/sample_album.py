"""The sample album: images of many formats in a few folders, with the oddities of real folders."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random

from msgspec import Struct
from PIL import Image, features

from imageferry.demo.entries import Node
from imageferry.demo.pictures import scenes
from imageferry.demo.pictures.encodings import CameraMetadata, animated_gif, encode
from imageferry.demo.pictures.scenes import Scene, Size
from imageferry.demo.tree import Tree

_SIZES: tuple[Size, ...] = ((1200, 800), (800, 1200), (1280, 720), (1000, 1000), (1600, 900), (900, 1125))


class _ImageSet(Struct, frozen=True, kw_only=True):
    """Images of one scene, in one folder."""

    folder: str
    scene: Scene
    names: tuple[str, ...]
    suffixes: tuple[str, ...]  # used in rotation
    camera: tuple[str, str, str] | None = None  # make, model and lens; None: no metadata
    location: tuple[float, float, float] | None = None  # latitude, longitude, altitude in metres
    started_at: datetime = datetime(2025, 6, 14, 8, 12, 30)  # noqa: DTZ001 - a camera's clock has no time zone


_IMAGE_SETS = (
    _ImageSet(
        folder="Mountains",
        scene=scenes.mountains,
        names=tuple(f"DSC_{number:04d}" for number in range(4107, 4119)),
        suffixes=(".jpg",),
        camera=("NIKON CORPORATION", "NIKON Z 6_2", "NIKKOR Z 24-70mm f/4 S"),
        location=(46.5372, 7.9626, 3454.0),
    ),
    _ImageSet(
        folder="By the sea",
        scene=scenes.seaside,
        names=tuple(f"IMG_{number}" for number in range(2201, 2211)),
        suffixes=(".jpg",),
        camera=("Apple", "iPhone 15 Pro", "iPhone 15 Pro back triple camera 6.765mm f/1.78"),
        location=(-33.8915, 151.2767, 4.5),
        started_at=datetime(2025, 1, 3, 19, 40, 11),  # noqa: DTZ001 - a camera's clock has no time zone
    ),
    _ImageSet(
        folder="Meadows",
        scene=scenes.meadow,
        names=("Poppies", "Up the hill", "Almost home", "Bees", "Daisies", "Picnic", "The old path", "Clover"),
        suffixes=(".jpg", ".webp"),
    ),
    _ImageSet(
        folder="City",
        scene=scenes.city,
        names=("Old town", "From the roof", "Last tram", "Harbour district", "Twelfth floor", "Blue hour"),
        suffixes=(".png", ".jpg", ".webp"),
    ),
    _ImageSet(
        folder="City/Lights",
        scene=scenes.lights,
        names=("Traffic", "Fair", "Rain on the window", "Lanterns", "Bridge", "Late"),
        suffixes=(".webp", ".jpg"),
    ),
    _ImageSet(
        folder="Night",
        scene=scenes.night,
        names=("Aurora 1", "Aurora 2", "Aurora 3", "Before dawn", "Camp", "Silence"),
        suffixes=(".jpg", ".avif", ".png"),
    ),
    _ImageSet(
        folder="Patterns",
        scene=scenes.fractal,
        names=("Seahorses", "Antenna", "Valley", "Needle", "Whole", "Spiral", "Coast", "Islands"),
        suffixes=(".png", ".gif", ".tif", ".webp"),
    ),
)

_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480" width="640" height="480">
<rect width="640" height="480" fill="#10324a"/><circle cx="320" cy="200" r="110" fill="#f7c873"/>
<path d="M0 330q80-40 160 0t160 0 160 0 160 0v150H0z" fill="#2a7f9e"/>
<path d="M230 300h180l-34 56H264z" fill="#f4f1ea"/><path d="M316 150v140h-78z" fill="#e4572e"/></svg>
"""


def sample_album(tree: Tree) -> Node:
    """Add the album and return its root folder, with about 60 images. Takes a second or two."""
    root = tree.folder("Sample images")
    folders = {"": root}
    images = [(image_set, number) for image_set in _IMAGE_SETS for number in range(len(image_set.names))]
    # Pillow releases the GIL while it draws and encodes.
    with ThreadPoolExecutor() as painters:
        painted = painters.map(lambda image: _paint(*image), images)
        for (image_set, number), data in zip(images, painted, strict=True):
            folder = _folder(tree, folders, image_set.folder)
            tree.file(folder, image_set.names[number] + _suffix(image_set, number), content=data)
    _add_oddities(tree, root, best=folders["Mountains"])
    return root


def _folder(tree: Tree, folders: dict[str, Node], path: str) -> Node:
    if path not in folders:
        parent, _, name = path.rpartition("/")
        folders[path] = tree.folder(name, parent=_folder(tree, folders, parent))
    return folders[path]


def _paint(image_set: _ImageSet, number: int) -> bytes:
    random = Random(f"{image_set.folder}/{number}")
    image = image_set.scene(random.choice(_SIZES), random)
    return encode(image, _suffix(image_set, number), camera=_camera_metadata(image_set, number, random))


def _suffix(image_set: _ImageSet, number: int) -> str:
    suffix = image_set.suffixes[number % len(image_set.suffixes)]
    return suffix if suffix != ".avif" or features.check("avif") else ".png"


def _camera_metadata(image_set: _ImageSet, number: int, random: Random) -> CameraMetadata | None:
    if image_set.camera is None:
        return None
    make, model, lens = image_set.camera
    latitude, longitude, altitude_m = image_set.location or (None, None, 0.0)
    return CameraMetadata(
        make=make,
        model=model,
        lens=lens,
        taken_at=image_set.started_at + timedelta(minutes=7 * number, seconds=random.randrange(60)),
        iso=random.choice([64, 100, 200, 400]),
        aperture=random.choice([1.8, 4.0, 5.6, 8.0]),
        exposure=Fraction(1, random.choice([60, 125, 250, 1000])),
        focal_length_mm=random.choice([24.0, 35.0, 50.0, 70.0]),
        latitude=None if latitude is None else latitude + random.uniform(-0.01, 0.01),
        longitude=None if longitude is None else longitude + random.uniform(-0.01, 0.01),
        altitude_m=altitude_m,
        is_rotated=number % 5 == 4,  # noqa: PLR2004 - every fifth image is rotated
    )


def _add_oddities(tree: Tree, root: Node, *, best: Node) -> None:
    """Add what makes real folders difficult: odd names and types, duplicates, shortcuts, a cycle."""
    odd = tree.folder("Curiosities", parent=root)
    tree.file(odd, "boat.svg", content=_BADGE.encode())
    tree.file(odd, "waves.gif", content=animated_gif(_frames(), frame_ms=90))
    for seed in (1, 2):
        image = scenes.meadow((1024, 768), Random(seed))
        tree.file(odd, "same name.jpg", content=encode(image, ".jpg"))
    hostile = '../../"quoted"\n<b>\u202egnp.exe/ 🏔️ =1+1.jpg'
    tree.file(odd, hostile, content=encode(scenes.mountains((960, 640), Random(3)), ".jpg"))
    untyped = encode(scenes.night((1200, 800), Random(4)), ".jpg")
    tree.file(odd, "no type.jpg", content=untyped, mime_type="application/octet-stream")
    tree.file(odd, "packing list.txt", content=b"boots\ncompass\nsandwiches\n")
    tree.document(odd, "Notes of the trip")
    tree.shortcut(root, to=best, name="Mountains, again")
    tree.shortcut(odd, to=root, name="Back to the start")


def _frames() -> list[Image.Image]:
    """Return frames that pan over a wide image."""
    panorama = scenes.seaside((960, 320), Random(5))
    return [panorama.crop((left, 0, left + 480, 320)) for left in (*range(0, 480, 40), *range(480, 0, -40))]
