"""The example of docs/writing-a-source.md: its errors, its URLs, and that the page shows the code that is tested."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from imageferry.errors import (
    BlockedError,
    ImageferryError,
    PermanentError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from imageferry.model import File, Folder, FolderRef
from tests.contract.sources import http_directory
from tests.contract.sources.directory_server import serve_directory
from tests.contract.sources.http_directory import HttpDirectorySource, id_of, parse_url
from tests.servers.http_servers import serve_http
from tests.servers.ports import free_port

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-source.md"
FOLDER = Folder(id=id_of("/photos/"), name="photos", resource_key="/photos/")


def test_the_page_shows_the_example_as_it_is_tested() -> None:
    code = Path(http_directory.__file__).read_text()
    assert code in PAGE.read_text()


def test_a_pasted_url_names_a_folder_of_its_server_only() -> None:
    expected = FolderRef(source="http_directory", folder_id=id_of("/My photos/"), resource_key="/My photos/")
    assert parse_url("https://nas.example/My%20photos/?sort=name", base_url="https://nas.example") == expected
    assert parse_url("https://nas.example.org/My%20photos/", base_url="https://nas.example") is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, BlockedError),
        (403, PermanentError),
        (302, PermanentError),
        (429, ThrottledError),
        (503, ThrottledError),
        (500, TransientError),
    ],
)
async def test_each_status_becomes_an_error_by_behaviour(status: int, kind: type[ImageferryError]) -> None:
    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7", "Location": "http://127.0.0.1:1/"})

    async with serve_http(fail) as url:
        error = await _error_of(HttpDirectorySource(url))
    assert type(error) is kind
    assert not isinstance(error, ThrottledError) or error.retry_after_s == 7


async def test_a_server_that_does_not_run_is_unreachable() -> None:
    assert type(await _error_of(HttpDirectorySource(f"http://127.0.0.1:{free_port()}"))) is UnreachableError


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": 1}'])
async def test_an_invalid_listing_is_not_an_empty_folder(body: bytes) -> None:
    async with serve_http(_always(body)) as url:
        assert type(await _error_of(HttpDirectorySource(url))) is TransientError


@pytest.mark.parametrize("size_bytes", [2, 4])
async def test_a_file_whose_size_changed_is_not_read(size_bytes: int) -> None:
    async with serve_directory({"/photos/a.jpg": b"abc"}) as url:
        source = HttpDirectorySource(url)
        file = File(id=id_of("/photos/a.jpg"), name="a.jpg", size_bytes=size_bytes, resource_key="/photos/a.jpg")
        with pytest.raises(TransientError):
            await source.read(file)
        await source.close()


async def test_a_listed_file_has_the_version_that_stat_returns() -> None:
    async with serve_directory({"/photos/a.jpg": b"abc"}) as url:
        source = HttpDirectorySource(url)
        (listed,) = (await source.list_page(FOLDER)).files
        assert await source.stat(listed.id, resource_key=listed.resource_key) == listed
        await source.close()


async def _error_of(source: HttpDirectorySource) -> ImageferryError:
    with pytest.raises(ImageferryError) as raised:
        await source.list_page(FOLDER)
    await source.close()
    return raised.value


def _always(body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=body)

    return handle
