"""Pictures of the page's views, small enough to be kept: `make screenshots`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.seed import seed_home
from PIL import Image

from tests.e2e.browser_stage import browser_stage, missing_requirement, run_script, serve_home
from tests.repository import ROOT

KEPT = ROOT / "docs" / "screenshots"
# Those that the documents show; the others are for whoever works on the page.
SHOWN = ("gallery-wide-light", "gallery-phone-light", "failures-wide-light", "plan-wide-light")
QUALITY = 80
MANY = 100_000


async def take(folder: Path) -> None:
    """Every view into a folder, those that are shown into docs/screenshots."""
    with TemporaryDirectory() as home:
        many = Path(home) / "many"
        await seed_home(many, MANY)
        async with browser_stage(Path(home) / "home") as told, serve_home(many) as url:
            code, said = await run_script("screenshots", {**told, "MANY_URL": url, "SHOTS": str(folder)})
    if code:
        sys.exit(said)
    KEPT.mkdir(exist_ok=True)
    for name in SHOWN:
        with Image.open(folder / f"{name}.png") as picture:
            picture.convert("RGB").save(KEPT / f"{name}.webp", quality=QUALITY, method=6)
    sys.stdout.write(f"{len(SHOWN)} pictures are in {KEPT}, all of them in {folder}\n")


if __name__ == "__main__":
    if lacking := missing_requirement():
        sys.exit(f"Pictures cannot be taken without {lacking}")
    all_of_them = Path(sys.argv[1] if len(sys.argv) > 1 else ".screenshots").absolute()
    all_of_them.mkdir(exist_ok=True)
    asyncio.run(take(all_of_them))
