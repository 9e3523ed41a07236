"""The project's commands as real processes, which can be interrupted and killed."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from imageferry.engine.transfer_process.worker import PROCESS_NAME
from tests.drivers.import_flow import ImportFlow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int  # negative: the signal that killed it
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, object]:
        """The only line on stdout, decoded."""
        (line,) = self.stdout.splitlines()
        value: dict[str, object] = json.loads(line)
        return value


class Command:
    """A running command; see `command`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def process_id(self) -> int:
        """The process id of the command itself."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def wait(self) -> CommandResult:
        """Wait until the command ends; the test's timeout bounds the wait."""
        stdout, stderr = await self._process.communicate()
        assert self._process.returncode is not None
        return CommandResult(code=self._process.returncode, stdout=stdout.decode(), stderr=stderr.decode())

    async def wait_for_line(self, text: str) -> str:
        """Wait for a line of stderr that contains `text`, and return it; the test's timeout bounds the wait."""
        assert self._process.stderr is not None
        output = ""
        while line := (await self._process.stderr.readline()).decode():
            if text in line:
                return line
            output += line
        raise AssertionError(f"It ended without printing {text!r}, but: {output}")


@asynccontextmanager
async def command(
    flow: ImportFlow, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Command]:
    """Run `python -m imageferry ...`; kill it at the end of the context if it still runs.

    `environment` replaces the flow's settings.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "imageferry",
        *arguments,
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
        _, stderr = await process.communicate()
        # For the analysis of a failed test.
        log.warning("imageferry %s ended with %s: %s", arguments[0], process.returncode, stderr.decode()[-4000:])


def environment_of(flow: ImportFlow) -> dict[str, str]:
    """Return the flow's settings as environment variables, for the embedded catalog and store."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return inherited | {
        "IMAGEFERRY_HOME": str(flow.home),
        "STORE_URL": str(flow.home / "store"),
        "GOOGLE_API_KEY": flow.drive.api_key,
        "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
        "GOOGLE_DRIVE_WEB_ENDPOINT": flow.drive.url,
        "PORT": "0",
    }


def transfer_processes_of(process_id: int) -> list[int]:
    """Return the ids of a command's transfer processes."""
    listings = (children.read_text() for children in Path(f"/proc/{process_id}/task").glob("*/children"))
    return [int(child) for children in listings for child in children.split() if is_transfer_process(int(child))]


def is_transfer_process(process_id: int) -> bool:
    """Return whether a transfer process with this id runs."""
    try:
        return Path(f"/proc/{process_id}/comm").read_bytes().strip() == PROCESS_NAME
    except FileNotFoundError:
        return False
