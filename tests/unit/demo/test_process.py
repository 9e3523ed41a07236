"""The test Drive server as a separate process."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


async def test_a_process_serves_counts_and_injects_faults() -> None:
    async with process("--files", "20", "--file-size", "1000", "--folders", "2") as ready:
        root = ready["folder_url"].rpartition("/")[2]
        key = {"X-Goog-Api-Key": ready["api_key"]}
        async with aiohttp.ClientSession(ready["url"], headers=key) as session:
            folder = (await files(session, root))[0]
            first = (await files(session, folder["id"]))[0]
            spec = {"kind": "short", "on": ["media"], "file": first["id"], "times": 1}
            async with session.post("/_control/faults", json=spec) as response:
                assert response.status == 204
            async with session.post("/_control/faults", json={"kind": "nonsense"}) as response:
                assert response.status == 400
            async with session.get(f"/drive/v3/files/{first['id']}", params={"alt": "media"}) as response:
                assert len(await response.read()) == 500
            async with session.get("/_control/requests") as response:
                log = await response.json()

    assert log["calls"] == {"list": 2, "media": 1}
    assert log["bytes_by_file"] == {first["id"]: 500}
    assert log["faults"] == [{"kind": "short", "file": first["id"], "count": 1}]


async def files(session: aiohttp.ClientSession, folder_id: str) -> list[dict[str, str]]:
    async with session.get("/drive/v3/files", params={"q": f"'{folder_id}' in parents"}) as response:
        listed: list[dict[str, str]] = (await response.json())["files"]
        return listed


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[dict[str, str]]:
    """Run a test Drive server; yield what it prints when it is ready."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageferry.demo", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        yield json.loads(await server.stdout.readline())
    finally:
        server.send_signal(signal.SIGTERM)
        assert await server.wait() == 0
