"""Take screenshots of the web page: `make screenshots`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.seed import seed_home
from PIL import Image

from tests.e2e.browser_stage import browser_stage, missing_requirement, run_script, serve_home
from tests.repository import ROOT

DOCUMENTED_FOLDER = ROOT / "docs" / "screenshots"
# The screenshots that the documentation shows. The others are for work on the page.
DOCUMENTED = ("gallery-wide-light", "gallery-phone-light", "failures-wide-light", "plan-wide-light")
QUALITY = 78
MANY_IMAGES = 100_000


async def take_screenshots(folder: Path) -> None:
    """Write a PNG of every view to `folder`, and the documented ones as WebP to docs/screenshots; exit on failure."""
    with TemporaryDirectory() as home:
        many = Path(home) / "many"
        await seed_home(many, MANY_IMAGES)
        async with browser_stage(Path(home) / "home") as environment, serve_home(many) as url:
            exit_code, output = await run_script("screenshots", {**environment, "MANY_URL": url, "SHOTS": str(folder)})
    if exit_code:
        sys.exit(output)
    DOCUMENTED_FOLDER.mkdir(exist_ok=True)
    for name in DOCUMENTED:
        with Image.open(folder / f"{name}.png") as screenshot:
            screenshot.convert("RGB").save(DOCUMENTED_FOLDER / f"{name}.webp", quality=QUALITY, method=6)
    sys.stdout.write(f"Wrote {len(DOCUMENTED)} screenshots to {DOCUMENTED_FOLDER}, and all of them to {folder}\n")


if __name__ == "__main__":
    if requirement := missing_requirement():
        sys.exit(f"Screenshots need {requirement}")
    png_folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".screenshots").absolute()
    png_folder.mkdir(exist_ok=True)
    asyncio.run(take_screenshots(png_folder))
