"""Commands as processes, with a home of their own."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from imageferry.demo.server import StandIn


@dataclass(frozen=True, slots=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        (line,) = self.out.splitlines()
        answer: dict[str, object] = json.loads(line)
        return answer


class Shell:
    """Runs commands with a home of its own, against the stand-in."""

    def __init__(self, drive: StandIn, home: Path) -> None:
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

    async def __call__(self, *words: str, **environment: str) -> Told:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "imageferry",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment | environment,
            cwd=self.home.parent,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        assert b"Traceback" not in err
        return Told(process.returncode, out.decode(), err.decode())
