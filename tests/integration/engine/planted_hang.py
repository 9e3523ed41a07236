"""A file whose bytes hang the process that looks at them, holding its GIL, as a parser in C may.

It is planted from outside: a profile function in every Python process waits for the first call, of a function that
transfers files, which gets the bytes.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

POLL_INTERVAL_S = 0.05
CONTENT = b"\xff\xd8\xff\xe0 hangs" + bytes(1000)
_PROGRAM = f"""
import ctypes, os, pathlib, sys

def hold_gil(frame, event, argument):
    if event == "call" and "/imageferry/pipeline/transfer/" in frame.f_code.co_filename:
        for value in frame.f_locals.values():
            if isinstance(value, (bytes, bytearray, memoryview)) and bytes(value[:10]) == {CONTENT[:10]!r}:
                pathlib.Path(__file__).with_name(f"hung-{{os.getpid()}}").touch()
                while True:
                    ctypes.PyDLL(None).sleep(600)

sys.setprofile(hold_gil)
"""


class PlantedHang:
    """Makes every Python process that is started with `environment` hang on CONTENT."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_PROGRAM)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables to start processes with."""
        return {"PYTHONPATH": str(self._folder)}

    @property
    def process_ids(self) -> list[int]:
        """The processes that hang, or did before they were ended."""
        return [int(path.name.removeprefix("hung-")) for path in self._folder.glob("hung-*")]

    @property
    def living(self) -> list[int]:
        """The processes that hang."""
        return [process_id for process_id in self.process_ids if _is_running(process_id)]

    async def wait(self) -> None:
        """Wait until a process hangs; the test's timeout bounds the wait."""
        while not self.living:  # noqa: ASYNC110 - another process hangs
            await asyncio.sleep(POLL_INTERVAL_S)

    async def wait_until_ended(self) -> None:
        """Wait until no process hangs any more."""
        while self.living:  # noqa: ASYNC110 - they are not children of this process
            await asyncio.sleep(POLL_INTERVAL_S)


def _is_running(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
