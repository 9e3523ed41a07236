"""imageferry's own commands as real processes, which can be interrupted and killed."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.drivers.import_flow import Flow

PATIENCE_S = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int  # negative: by that signal
    answer: str  # its stdout
    said: str  # its stderr


class Command:
    """A command under way; see `command`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def process_id(self) -> int:
        """Of the command itself."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> Ended:
        """Its end, which must come soon."""
        async with asyncio.timeout(PATIENCE_S):
            answer, said = await self._process.communicate()
        assert self._process.returncode is not None
        return Ended(code=self._process.returncode, answer=answer.decode(), said=said.decode())

    async def says(self, words: str) -> str:
        """The line of its stderr that holds some words, once it is said."""
        assert self._process.stderr is not None
        said = ""
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._process.stderr.readline()).decode():
                if words in line:
                    return line
                said += line
        raise AssertionError(f"It ended without saying {words!r}, but: {said}")


@asynccontextmanager
async def command(flow: Flow, *words: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    """`python -m imageferry ...`, killed at the end of the context if it still runs.

    Its environment is the flow's settings, where no other is given.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "imageferry",
        *words,
        env=environment_of(flow) if environment is None else environment,
        cwd=flow.home.parent,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        _, said = await process.communicate()
        # What a failed test is judged by, where it was not heard before.
        log.warning("imageferry %s ended with %s and said: %s", words[0], process.returncode, said.decode()[-4000:])


def environment_of(flow: Flow) -> dict[str, str]:
    """The flow's settings as a process on the embedded default needs them."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return inherited | {
        "IMAGEFERRY_HOME": str(flow.home),
        "STORE_URL": str(flow.home / "store"),
        "GOOGLE_API_KEY": flow.drive.api_key,
        "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
        "GOOGLE_DRIVE_WEB_ENDPOINT": flow.drive.url,
        "PORT": "0",
    }
