"""A fake S3, and imports into it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.demo.server import DriveTestServer
from tests.drivers.import_flow import ImportFlow
from tests.servers.s3 import FakeS3


@pytest.fixture
async def s3() -> AsyncIterator[FakeS3]:
    """A fake S3 that permits everything."""
    async with FakeS3() as server:
        yield server


@pytest.fixture
def s3_flow(drive: DriveTestServer, s3: FakeS3, tmp_path: Path) -> ImportFlow:
    """Imports from `drive` into `s3`."""
    return ImportFlow(
        drive=drive,
        home=tmp_path / "home",
        setting_overrides=s3.settings | {"wait_s": 0},
        read_objects=s3.stored_objects,
    )
