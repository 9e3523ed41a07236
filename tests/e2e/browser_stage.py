"""A gateway beside a stand-in with sample pictures, and the page's own scripts that look at them in a browser."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from imageferry.demo.entries import Node
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.gateway.routes.web_page import STATIC
from tests.drivers.import_flow import Flow
from tests.drivers.pictures import quarters, saved
from tests.drivers.processes import Command, command, environment_of
from tests.repository import ROOT

WEB = ROOT / "web"
# So that an import lasts long enough to be looked at, paused and reloaded.
LATENCY_S = 0.15
CONCURRENCY = 4
PATIENCE_S = 600
TOKEN = "the-token-of-the-locked-gateway"


def missing() -> str | None:
    """What this machine lacks."""
    if shutil.which("npm") is None or not (WEB / "node_modules").is_dir():
        return "Node and the page's development tools: make web"
    if chromium() is None:
        return "Chromium"
    return None if (STATIC / "index.html").is_file() else "the page, built: make web"


def chromium() -> str | None:
    """The browser's program."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def stage(home: Path) -> AsyncIterator[Mapping[str, str]]:
    """What the scripts are told by their environment: two gateways, of which one wants a token, and the stand-in."""
    tree = Tree()
    root = await asyncio.to_thread(sample_album, tree)
    long = _long_names(tree)
    async with StandIn(tree, latency_s=LATENCY_S, control=True) as drive:
        flow, locked = Flow(drive=drive, home=home), Flow(drive=drive, home=home.with_name("locked"))
        environment = environment_of(flow) | {"IMAGEFERRY_CONCURRENCY": str(CONCURRENCY)}
        async with (
            command(flow, "serve", environment=environment) as gateway,
            command(locked, "serve", environment=environment_of(locked) | {"IMAGEFERRY_API_TOKEN": TOKEN}) as other,
        ):
            yield {
                "URL": await _url(gateway),
                "LOCKED_URL": await _url(other),
                "TOKEN": TOKEN,
                "FOLDER_URL": drive.folder_url(root),
                "LONG_FOLDER_URL": drive.folder_url(long),
                "STANDIN_URL": drive.url,
            }


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[str]:
    """The URL of a gateway to what a home holds."""
    environment = {"PATH": os.environ["PATH"], "IMAGEFERRY_HOME": str(home), "PORT": "0"}
    async with (
        StandIn(Tree()) as nobody,
        command(Flow(drive=nobody, home=home), "serve", environment=environment) as it,
    ):
        yield await _url(it)


def _long_names(tree: Tree) -> Node:
    """A folder as people have them who name things well."""
    root = tree.folder("Everything that we photographed on the long way from Porto to Santiago de Compostela " * 2)
    picture = saved(quarters(), "JPEG")
    tree.file(root, f"{'Anunciação-às-vésperas-do-solstício-' * 5}.jpg", content=picture)
    tree.file(root, f"{'A view of the bay in the evening, ' * 6}.jpg", content=picture + b"\0", downloadable=False)
    return root


async def _url(gateway: Command) -> str:
    said = await gateway.says("http://")
    return said[said.index("http://") :].split()[0].rstrip("/.,")


async def run(script: str, environment: Mapping[str, str]) -> tuple[int | None, str]:
    """How a script of web/package.json ended, and what it told."""
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
        async with asyncio.timeout(PATIENCE_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode, told.decode(errors="replace")
