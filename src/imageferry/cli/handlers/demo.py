"""`imageferry demo`: a stand-in for Drive, an import from it, and the page that shows it, all on this machine."""

import asyncio
import json
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

from imageferry.cli.exit_codes import Exit
from imageferry.demo.pictures.from_folder import pictures_from
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.gateway.server import Ready, serve
from imageferry.settings import Settings

# So that the pictures can be seen arriving.
LATENCY_S = 0.2
CONCURRENCY = 4
LOOK_EVERY_S = 0.5
ANSWER_WITHIN_S = 10


async def demonstrate(settings: Settings, *, pictures: Path | None, browser: bool, say: Callable[[str], None]) -> Exit:
    """Run until Ctrl-C; everything it makes goes away with it."""
    tree = Tree()
    if pictures is None:
        say("1. Making sample pictures …")
        root = await asyncio.to_thread(sample_album, tree)
    else:
        say(f"1. Looking through {pictures} …")
        root = await asyncio.to_thread(pictures_from, pictures, tree=tree)
    with TemporaryDirectory(prefix="imageferry-demo-") as home:
        async with StandIn(tree, latency_s=LATENCY_S) as drive:
            folder_url = drive.folder_url(root)
            say(f"2. A stand-in for Google Drive answers at {drive.url}")
            say(f"   and shares the folder {folder_url}")
            ours = _settings(settings, home=Path(home), drive=drive)
            await serve(
                ours, on_ready=_Show(ours, folder_url, browser=browser, say=say).begin, demo_folder_url=folder_url
            )
    say("The demo's folder is removed. To import a folder of your own: imageferry import URL")
    return Exit.DONE


class _Show:
    """What happens once the gateway is ready: an import, and news of it."""

    def __init__(self, settings: Settings, folder_url: str, *, browser: bool, say: Callable[[str], None]) -> None:
        self._folder_url = folder_url
        self._home = settings.home
        token = settings.api_token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.reveal()}"}
        self._browser = browser
        self._say = say
        self._news: asyncio.Task[None] | None = None

    async def begin(self, ready: Ready) -> None:
        """Start the import, and open the page."""
        gateway_url = ready.url
        self._say(f"3. imageferry answers at {gateway_url} and keeps everything in {self._home}")
        self._say(f"   curl -X POST {gateway_url}/api/import/google-drive \\")
        self._say(f"     -H 'Content-Type: application/json' -d '{json.dumps({'folder_url': self._folder_url})}'")
        self._news = asyncio.create_task(self._follow(ready))

    async def _follow(self, ready: Ready) -> None:
        accepted = await self._ask(f"{ready.url}/api/import/google-drive", {"folder_url": self._folder_url})
        if self._browser:
            with suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, ready.sign_in_url or ready.url)
        told = ""
        while True:
            status = await self._ask(f"{ready.url}/api/import/status/{accepted['job_id']}")
            news = f"   {status['processed']} of {status['total']} files, {status['failed']} failed: {status['status']}"
            if news != told:
                self._say(news)
            told = news
            if status["status"] in {"completed", "failed", "cancelled"}:
                self._say(f"4. The pictures are at {ready.url} (Ctrl-C ends the demo)")
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _ask(self, url: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """What our own gateway answers, on loopback."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._headers}
        return await asyncio.to_thread(_fetch, Request(url, data=data, headers=headers))  # noqa: S310


def _settings(settings: Settings, *, home: Path, drive: StandIn) -> Settings:
    """The embedded default, with the stand-in in Drive's place, whatever the environment holds."""
    return Settings.load(
        home=home,
        google_api_key=drive.api_key,
        google_drive_endpoint=drive.url,
        google_drive_web_endpoint=drive.url,
        store_url=str(home / "store"),
        database_url=f"sqlite:///{home / 'catalog.db'}",
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
    with urlopen(request, timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310
        body: dict[str, Any] = json.load(answer)
        return body
