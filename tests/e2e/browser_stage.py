"""Gateways with a test Drive server and sample images, and the browser scripts that test the web page."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from imageferry.demo.entries import Node
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.gateway.routes.web_page import STATIC
from tests.drivers.import_flow import ImportFlow
from tests.drivers.pictures import encode_image, four_color_image
from tests.drivers.processes import Command, command, environment_of
from tests.repository import ROOT

WEB = ROOT / "web"
# Slow enough that an import can be watched, paused and reloaded.
LATENCY_S = 0.15
CONCURRENCY = 4
SCRIPT_TIMEOUT_S = 600
TOKEN = "the-token-of-the-locked-gateway"


def missing_requirement() -> str | None:
    """Return what this machine lacks to run the browser tests; None if it has everything."""
    if shutil.which("npm") is None or not (WEB / "node_modules").is_dir():
        return "Node and the web page's development tools: run `make web`"
    if chromium() is None:
        return "Chromium"
    return None if (STATIC / "index.html").is_file() else "the built web page: run `make web`"


def chromium() -> str | None:
    """Return the path of the browser; None if there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def browser_stage(home: Path) -> AsyncIterator[Mapping[str, str]]:
    """Run two gateways, one of which requires a token, and a test Drive server; yield the scripts' environment."""
    tree = Tree()
    root = await asyncio.to_thread(sample_album, tree)
    long = _long_names(tree)
    async with DriveTestServer(tree, latency_s=LATENCY_S, control=True) as drive:
        flow, locked = ImportFlow(drive=drive, home=home), ImportFlow(drive=drive, home=home.with_name("locked"))
        environment = environment_of(flow) | {"IMAGEFERRY_CONCURRENCY": str(CONCURRENCY)}
        async with (
            command(flow, "serve", environment=environment) as gateway,
            command(
                locked, "serve", environment=environment_of(locked) | {"IMAGEFERRY_API_TOKEN": TOKEN}
            ) as locked_gateway,
        ):
            yield {
                "URL": await _url(gateway),
                "LOCKED_URL": await _url(locked_gateway),
                "TOKEN": TOKEN,
                "FOLDER_URL": drive.folder_url(root),
                "LONG_FOLDER_URL": drive.folder_url(long),
                "DRIVE_URL": drive.url,
            }


@asynccontextmanager
async def serve_home(home: Path) -> AsyncIterator[str]:
    """Run a gateway for an existing home folder; yield its URL."""
    environment = {"PATH": os.environ["PATH"], "IMAGEFERRY_HOME": str(home), "PORT": "0"}
    async with (
        DriveTestServer(Tree()) as unused_drive,
        command(ImportFlow(drive=unused_drive, home=home), "serve", environment=environment) as gateway,
    ):
        yield await _url(gateway)


def _long_names(tree: Tree) -> Node:
    """Create a folder with very long names."""
    root = tree.folder("Everything that we photographed on the long way from Porto to Santiago de Compostela " * 2)
    image = encode_image(four_color_image(), "JPEG")
    tree.file(root, f"{'Anunciação-às-vésperas-do-solstício-' * 5}.jpg", content=image)
    tree.file(root, f"{'A view of the bay in the evening, ' * 6}.jpg", content=image + b"\0", downloadable=False)
    return root


async def _url(gateway: Command) -> str:
    line = await gateway.wait_for_line("http://")
    return line[line.index("http://") :].split()[0].rstrip("/.,")


async def run_script(script: str, environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Run a script of web/package.json; return its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *("npm", "run", "--silent", script),
        cwd=WEB,
        env={
            **os.environ,
            "CHROMIUM": chromium() or "",
            "NO_COLOR": "1",
            "npm_config_loglevel": "error",
            **environment,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(SCRIPT_TIMEOUT_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, output.decode(errors="replace")
