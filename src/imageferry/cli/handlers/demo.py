"""`imageferry demo`: a Drive test server, a gateway, and an import from one to the other, all on this machine."""

import asyncio
import json
import socket
import webbrowser
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.output.console import Console
from imageferry.demo.pictures.from_folder import tree_from_folder
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.gateway.server import GatewayAddress, serve
from imageferry.settings import Settings
from imageferry.settings.url_types import sqlite_url

# Slow enough to watch the images arrive.
LATENCY_S = 0.2
CONCURRENCY = 4
POLL_S = 0.5
TIMEOUT_S = 10


async def run_demo(settings: Settings, *, pictures: Path | None, browser: bool, console: Console) -> ExitCode:
    """Run the demo in a temporary folder until Ctrl-C, then delete the folder."""
    tree = Tree()
    if pictures is None:
        console.print("1. Creating sample images …")
        root = await asyncio.to_thread(sample_album, tree)
    else:
        console.print(f"1. Reading {pictures} …")
        root = await asyncio.to_thread(tree_from_folder, pictures, tree=tree)
    with TemporaryDirectory(prefix="imageferry-demo-") as home:
        async with DriveTestServer(tree, latency_s=LATENCY_S) as drive:
            folder_url = drive.folder_url(root)
            console.print(f"2. Test Drive server: {drive.url}")
            console.print(f"   Shared folder: {folder_url}")
            demo_settings = _demo_settings(settings, home=Path(home), drive=drive)
            demo_import = _DemoImport(demo_settings, folder_url, browser=browser, console=console)
            await serve(demo_settings, on_ready=demo_import.start, demo_folder_url=folder_url)
    console.print("The demo's files are deleted. To import a folder of your own: imageferry import URL")
    return ExitCode.SUCCESS


class _DemoImport:
    """Imports the demo folder once the gateway is ready, and prints the progress."""

    def __init__(self, settings: Settings, folder_url: str, *, browser: bool, console: Console) -> None:
        self._folder_url = folder_url
        self._home = settings.home
        token = settings.api_token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        self._browser = browser
        self._console = console
        self._task: asyncio.Task[None] | None = None

    async def start(self, address: GatewayAddress) -> None:
        """Start the import in the background."""
        self._console.print(f"3. imageferry is running at {address.url} and keeps its files in {self._home}")
        self._console.print(f"   curl -X POST {address.url}/api/import/google-drive \\")
        self._console.print(
            f"     -H 'Content-Type: application/json' -d '{json.dumps({'folder_url': self._folder_url})}'"
        )
        self._task = asyncio.create_task(self._import(address))

    async def _import(self, address: GatewayAddress) -> None:
        accepted = await self._call(f"{address.url}/api/import/google-drive", {"folder_url": self._folder_url})
        if self._browser:
            with suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, address.sign_in_url or address.url)
        printed = ""
        while True:
            status = await self._call(f"{address.url}/api/import/status/{accepted['job_id']}")
            line = f"   {status['processed']} of {status['total']} files, {status['failed']} failed: {status['status']}"
            if line != printed:
                self._console.print(line)
            printed = line
            if status["status"] in {"completed", "failed", "cancelled"}:
                self._console.print(f"4. View the images at {address.url} (press Ctrl-C to end the demo)")
                return
            await asyncio.sleep(POLL_S)

    async def _call(self, url: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """Call the demo's own gateway on loopback: a POST if there is a body, else a GET."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers}
        return await asyncio.to_thread(_fetch, Request(url, data=data, headers=headers))  # noqa: S310 - our own URL


def _demo_settings(settings: Settings, *, home: Path, drive: DriveTestServer) -> Settings:
    """Return settings that use only the temporary folder and the test server, whatever the environment says."""
    return Settings.load(
        home=home,
        google_api_key=drive.api_key,
        google_drive_endpoint=drive.url,
        google_drive_web_endpoint=drive.url,
        store_url=str(home / "store"),
        database_url=sqlite_url(home / "catalog.db"),
        host="127.0.0.1",
        port=settings.port if _is_free(settings.port) else 0,
        concurrency=CONCURRENCY,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def _fetch(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - our own URL
        body: dict[str, Any] = json.load(response)
        return body
