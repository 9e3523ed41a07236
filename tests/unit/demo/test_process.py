"""The stand-in as a process of its own."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


async def test_a_process_serves_counts_and_fails_to_order() -> None:
    async with process("--files", "20", "--file-size", "1000", "--folders", "2") as ready:
        root = ready["folder_url"].rpartition("/")[2]
        key = {"X-Goog-Api-Key": ready["api_key"]}
        async with aiohttp.ClientSession(ready["url"], headers=key) as session:
            folder = (await files(session, root))[0]
            first = (await files(session, folder["id"]))[0]
            order = {"kind": "short", "on": ["media"], "file": first["id"], "times": 1}
            async with session.post("/_standin/faults", json=order) as answer:
                assert answer.status == 204
            async with session.post("/_standin/faults", json={"kind": "nonsense"}) as answer:
                assert answer.status == 400
            async with session.get(f"/drive/v3/files/{first['id']}", params={"alt": "media"}) as answer:
                assert len(await answer.read()) == 500
            async with session.get("/_standin/requests") as answer:
                counted = await answer.json()

    assert counted["calls"] == {"list": 2, "media": 1}
    assert counted["bytes_by_file"] == {first["id"]: 500}
    assert counted["faults"] == [{"kind": "short", "file": first["id"], "count": 1}]


async def files(session: aiohttp.ClientSession, folder_id: str) -> list[dict[str, str]]:
    async with session.get("/drive/v3/files", params={"q": f"'{folder_id}' in parents"}) as answer:
        listed: list[dict[str, str]] = (await answer.json())["files"]
        return listed


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[dict[str, str]]:
    """What a stand-in of its own process says when it is ready."""
    standin = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageferry.demo", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert standin.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(standin.stdout.readline(), timeout=20))
    finally:
        standin.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(standin.wait(), timeout=10) == 0
