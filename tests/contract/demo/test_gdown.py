"""gdown against the public pages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import gdown
import pytest
from gdown.exceptions import DownloadError, FileURLRetrievalError

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.servers.loopback import CertificateAuthority, ConnectProxy

SCAN_BYTES_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gdown:
    """gdown, redirected to the test server by a proxy."""

    drive: DriveTestServer
    proxy: ConnectProxy
    authority: CertificateAuthority

    async def folder(self, folder: Node, output: Path, *, retries: int = 0) -> None:
        """Download a folder into `output`."""
        await asyncio.to_thread(
            gdown.download_folder,
            url=self.drive.folder_url(folder),
            output=str(output),
            quiet=True,
            use_cookies=False,
            proxy=self.proxy.url,
            verify=str(self.authority.path),
            retries=retries,
        )

    async def file(self, file: Node, output: Path) -> None:
        """Download a file."""
        await asyncio.to_thread(
            gdown.download,
            id=file.id,
            output=str(output),
            quiet=True,
            use_cookies=False,
            proxy=self.proxy.url,
            verify=str(self.authority.path),
        )


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
async def client(tree: Tree, tmp_path: Path) -> AsyncIterator[Gdown]:
    authority = CertificateAuthority(tmp_path)
    async with (
        DriveTestServer(tree, tls=authority.server_context(), scan_bytes_max=SCAN_BYTES_MAX) as drive,
        ConnectProxy(port=drive.port) as proxy,
    ):
        yield Gdown(drive=drive, proxy=proxy, authority=authority)


async def test_gdown_downloads_a_folder_with_all_its_entries(tree: Tree, client: Gdown, tmp_path: Path) -> None:
    root = tree.folder("Holiday <1> & more")
    tree.file(root, "a & b.jpg", content=b"small")
    day = tree.folder("Day 1", parent=root)
    tree.file(day, "größe.jpg", content=b"x" * (SCAN_BYTES_MAX + 1))
    tree.document(day, "Notes")
    tree.shortcut(root, to=tree.file(tree.folder("Elsewhere"), "linked.jpg", content=b"linked"))
    tree.trash(tree.file(root, "trashed.jpg", content=b"trashed"))

    await client.folder(root, tmp_path / "out")

    out = tmp_path / "out"
    downloaded = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert downloaded == {
        "a & b.jpg": b"small",
        "Day 1/größe.jpg": b"x" * (SCAN_BYTES_MAX + 1),
        "Day 1/Notes.docx": b"Notes",
        "linked.jpg": b"linked",
    }
    assert client.drive.requests.count(Operation.WEB_FOLDER) == 2


async def test_gdown_resumes_a_broken_download(tree: Tree, client: Gdown, tmp_path: Path) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=bytes(range(256)) * 8_000)
    client.drive.faults.add(Fault(kind=Damage.RESET_HALF_WAY, on=Operation.WEB_DOWNLOAD, times=1))

    await client.folder(root, tmp_path / "out", retries=2)

    assert (tmp_path / "out/a.jpg").read_bytes() == bytes(range(256)) * 8_000
    assert client.drive.requests.statuses[206] == 1


async def test_gdown_reads_the_page_of_an_exhausted_quota(tree: Tree, client: Gdown, tmp_path: Path) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")
    client.drive.faults.add(Fault(kind=ErrorKind.DOWNLOAD_QUOTA, on=Operation.WEB_DOWNLOAD))

    with pytest.raises(FileURLRetrievalError, match="Too many users have viewed or downloaded"):
        await client.file(file, tmp_path / "a.jpg")


async def test_gdown_cannot_access_private_files(tree: Tree, client: Gdown, tmp_path: Path) -> None:
    private = tree.folder("Private", sharing=Sharing.NOBODY)
    file = tree.file(private, "a.jpg", content=b"a")

    with pytest.raises(FileURLRetrievalError, match="Cannot retrieve the public link"):
        await client.file(file, tmp_path / "a.jpg")
    tree.delete(private)
    with pytest.raises(DownloadError, match="status code 404"):
        await client.folder(private, tmp_path / "out")
