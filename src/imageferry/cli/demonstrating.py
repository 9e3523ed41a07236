"""`imageferry demo`: a stand-in for Drive, an import from it, and the page that shows it, all on this machine."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from imageferry.cli.exits import Exit
from imageferry.demo.pictures.album import sample_album
from imageferry.demo.pictures.own import pictures_from
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.settings import Settings

# So that the pictures can be seen arriving.
LATENCY_S = 0.25


async def demonstrate(settings: Settings, *, pictures: Path | None, browser: bool, say: Callable[[str], None]) -> Exit:
    """Run until Ctrl-C; everything it makes goes away with it."""
    tree = Tree()
    say("Making sample pictures …" if pictures is None else f"Serving the pictures of {pictures} …")
    if pictures is None:
        root = await asyncio.to_thread(sample_album, tree)
    else:
        root = await asyncio.to_thread(pictures_from, pictures, tree=tree)
    with TemporaryDirectory(prefix="imageferry-demo-") as home:
        async with StandIn(tree, latency_s=LATENCY_S) as drive:
            url = drive.folder_url(root)
            say(f"A stand-in for Google Drive is at {drive.url}; its folder is {url}")
