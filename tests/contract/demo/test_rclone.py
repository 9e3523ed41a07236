"""rclone's Drive backend against the API."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.service_accounts import create_service_account_file
from tests.servers.loopback import CertificateAuthority, ConnectProxy

RCLONE = Path(sys.executable).with_name("rclone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rclone:
    """rclone, redirected to the test server by a proxy."""

    drive: DriveTestServer
    proxy: ConnectProxy
    authority: CertificateAuthority
    account_file: Path

    async def run(self, folder: Node, *arguments: str | Path) -> str:
        """Run rclone and return its output. `:drive:` is the folder."""
        flags = [
            "--config=",
            f"--ca-cert={self.authority.path}",
            f"--drive-service-account-file={self.account_file}",
            f"--drive-root-folder-id={folder.id}",
            "--drive-pacer-min-sleep=1ms",
            "--low-level-retries=5",
            "--retries=1",
            "--drive-skip-gdocs",
        ]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.account_file.parent),
            "HTTPS_PROXY": self.proxy.url,
            "RCLONE_DRIVE_SCOPE": "drive.readonly",
        }
        process = await asyncio.create_subprocess_exec(
            RCLONE,
            *arguments,
            *flags,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
async def rclone(tree: Tree, tmp_path: Path) -> AsyncIterator[Rclone]:
    authority = CertificateAuthority(tmp_path)
    async with DriveTestServer(tree, tls=authority.server_context()) as drive, ConnectProxy(port=drive.port) as proxy:
        yield Rclone(
            drive=drive,
            proxy=proxy,
            authority=authority,
            account_file=create_service_account_file(tmp_path, token_url=drive.token_url),
        )


async def test_rclone_copies_a_whole_tree(tree: Tree, rclone: Rclone, tmp_path: Path) -> None:
    root = tree.folder("Root", sharing=Sharing.ACCOUNT)
    tree.numbered_files(root, 1_234, size_bytes=300)
    day = tree.folder("Day 1", parent=root)
    tree.file(day, "a.jpg", content=b"a" * 5_000)
    tree.file(day, "large.jpg", content=b"large" * 400_000)
    tree.document(day, "Notes")
    elsewhere = tree.folder("Elsewhere", sharing=Sharing.ACCOUNT)
    tree.shortcut(day, to=tree.file(elsewhere, "linked.jpg", content=b"linked"))

    await rclone.run(root, "copy", ":drive:", tmp_path / "out", "--transfers=16", "--checksum")

    copied = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert len(copied) == 1_234 + 3
    assert {"Day 1/a.jpg", "Day 1/large.jpg", "Day 1/linked.jpg"} <= copied
    assert (tmp_path / "out/Day 1/large.jpg").read_bytes() == b"large" * 400_000
    assert rclone.drive.requests.count(Operation.PAGE) >= 1
    assert rclone.drive.requests.count(Operation.TOKEN) >= 1
    assert rclone.proxy.hosts == {"www.googleapis.com"}


async def test_rclone_reads_sizes_and_digests(tree: Tree, rclone: Rclone) -> None:
    root = tree.folder("Root", sharing=Sharing.ACCOUNT)
    file = tree.file(root, "a.jpg", content=b"hello")

    (listed,) = json.loads(await rclone.run(root, "lsjson", ":drive:", "--hash"))

    assert listed["ID"] == file.id
    assert listed["Size"] == 5
    assert listed["MimeType"] == "image/jpeg"
    assert listed["Hashes"]["md5"] == "5d41402abc4b2a76b9719d911017c592"
    assert listed["Hashes"]["sha1"] == "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"


async def test_rclone_recovers_from_faults(tree: Tree, rclone: Rclone, tmp_path: Path) -> None:
    root = tree.folder("Root", sharing=Sharing.ACCOUNT)
    for number in range(5):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * 50_000)
    rclone.drive.faults.add(
        Fault(kind=ErrorKind.RATE_LIMIT, on=Operation.LISTING, times=1),
        Fault(kind=ErrorKind.BACKEND, file="1.jpg", times=1),
        Fault(kind=Damage.RESET_AT_START, file="2.jpg", times=1),
        Fault(kind=Damage.RESET_HALF_WAY, file="3.jpg", times=1),
    )

    await rclone.run(root, "copy", ":drive:", tmp_path / "out")

    assert rclone.drive.faults.injected.total() == 4
    for number in range(5):
        assert (tmp_path / f"out/{number}.jpg").read_bytes() == bytes([number]) * 50_000
