"""Run commands as processes with a home of their own."""

import asyncio
import os
import sys
from pathlib import Path

from imageferry.demo.server import DriveTestServer
from tests.drivers.processes import CommandResult


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
        stdout, stderr = await process.communicate()
        assert process.returncode is not None
        assert b"Traceback" not in stderr
        return CommandResult(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())
