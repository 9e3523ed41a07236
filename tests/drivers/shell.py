"""Run commands as processes with a home of their own."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from imageferry.demo.server import DriveTestServer


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The only line on stdout, decoded."""
        (line,) = self.out.splitlines()
        value: dict[str, object] = json.loads(line)
        return value


class Shell:
    """Runs commands with a home of its own, against the Drive test server."""

    def __init__(self, drive: DriveTestServer, home: Path) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "IMAGEFERRY_HOME": str(home),
            "GOOGLE_API_KEY": drive.api_key,
            "GOOGLE_DRIVE_ENDPOINT": drive.url,
            "GOOGLE_DRIVE_WEB_ENDPOINT": drive.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    async def __call__(self, *arguments: str, **environment: str) -> CommandResult:
        """Run `imageferry` with these arguments and environment variables; fail if it prints a traceback."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "imageferry",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment | environment,
            cwd=self.home.parent,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        assert b"Traceback" not in err
        return CommandResult(process.returncode, out.decode(), err.decode())
