"""Sending files: ranges, and every way to damage them."""

import asyncio
import time

import aiohttp
import pytest

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import ApiClient

DATA = bytes(range(256)) * 20


@pytest.fixture
def file(tree: Tree) -> Node:
    return tree.file(tree.folder("Root"), "a.jpg", content=DATA)


@pytest.mark.parametrize(
    ("requested", "status", "part", "content_range"),
    [
        ("bytes=0-9", 206, DATA[:10], "bytes 0-9/5120"),
        ("bytes=5000-", 206, DATA[5000:], "bytes 5000-5119/5120"),
        ("bytes=-7", 206, DATA[-7:], "bytes 5113-5119/5120"),
        ("bytes=5000-9999", 206, DATA[5000:], "bytes 5000-5119/5120"),
        ("bytes=5120-", 416, b"", "bytes */5120"),
        ("bytes=9-5", 416, b"", "bytes */5120"),
        ("bytes=-", 200, DATA, None),
        ("chapters=1-2", 200, DATA, None),
        ("bytes=0-1,5-6", 200, DATA, None),
    ],
)
async def test_ranges_follow_http(
    client: ApiClient, file: Node, *, requested: str, status: int, part: bytes, content_range: str | None
) -> None:
    response = await client.media(file, headers={"Range": requested})

    assert (response.status, response.body) == (status, part)
    assert response.headers.get("Content-Range") == content_range


async def test_an_empty_file_has_no_satisfiable_range(tree: Tree, client: ApiClient) -> None:
    empty = tree.file(tree.folder("Root"), "empty.jpg", content=b"")

    assert (await client.media(empty)).body == b""
    assert (await client.media(empty, headers={"Range": "bytes=0-"})).status == 416


async def test_a_changed_file_is_sent_whole_when_if_range_does_not_match(
    tree: Tree, client: ApiClient, file: Node
) -> None:
    first = await client.media(file)
    resume = {"Range": "bytes=100-", "If-Range": first.headers["Last-Modified"]}

    assert (await client.media(file, headers=resume)).status == 206
    tree.replace_content(file, b"new")
    changed = await client.media(file, headers=resume)
    assert (changed.status, changed.body) == (200, b"new")


async def test_a_large_file_is_streamed_and_counted(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=5_000_000)
    (large,) = tree.children(root)
    assert large.content is not None

    response = await client.media(large)

    assert response.body == large.content.read(0, 5_000_000)
    assert drive.requests.bytes_by_file[large.id] == drive.requests.bytes_sent == 5_000_000
    assert drive.requests.downloads_by_file[large.id] == 1


@pytest.mark.parametrize(
    ("damage", "received"),
    [(Damage.RESET_AT_START, 0), (Damage.RESET_HALF_WAY, 2560), (Damage.RESET_AT_END, 5119)],
)
async def test_a_reset_connection_can_be_injected(
    client: ApiClient, drive: DriveTestServer, file: Node, *, damage: Damage, received: int
) -> None:
    # Always, because aiohttp repeats a GET that was reset before a response.
    drive.faults.add(Fault(kind=damage))
    body = bytearray()

    async def read() -> None:
        async with client.session.get(f"{drive.url}/drive/v3/files/{file.id}?alt=media") as response:
            async for chunk in response.content.iter_any():
                body.extend(chunk)

    with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
        await read()

    assert len(body) == received
    drive.faults.clear()
    assert (await client.media(file)).body == DATA


@pytest.mark.parametrize(
    ("damage", "size_bytes"), [(Damage.SHORT, 2560), (Damage.LONG, 5154), (Damage.FLIPPED_BIT, 5120)]
)
async def test_an_altered_body_can_be_injected(
    client: ApiClient, drive: DriveTestServer, file: Node, damage: Damage, size_bytes: int
) -> None:
    drive.faults.add(Fault(kind=damage, times=1))

    response = await client.media(file)

    assert (response.status, len(response.body)) == (200, size_bytes)
    assert response.body != DATA


async def test_an_ignored_range_can_be_injected(client: ApiClient, drive: DriveTestServer, file: Node) -> None:
    drive.faults.add(Fault(kind=Damage.RANGE_IGNORED))

    response = await client.media(file, headers={"Range": "bytes=100-"})

    assert (response.status, response.body) == (200, DATA)


async def test_stalls_trickles_and_delays_can_be_injected(
    tree: Tree, client: ApiClient, drive: DriveTestServer
) -> None:
    file = tree.file(tree.folder("Root"), "tiny.jpg", content=b"12345678")
    drive.faults.add(
        Fault(kind=Damage.STALL, seconds=0.2, times=1),
        Fault(kind=Damage.TRICKLE, seconds=0.03, times=1),
        Fault(kind=Damage.SLOW, seconds=0.2, times=1),
    )

    for _ in range(3):
        started_s = time.monotonic()
        assert (await client.media(file)).body == b"12345678"
        assert time.monotonic() - started_s >= 0.2


async def test_another_response_than_the_file_can_be_injected(
    client: ApiClient, drive: DriveTestServer, file: Node
) -> None:
    drive.faults.add(
        Fault(kind=Damage.HTML, times=1),
        Fault(kind=Damage.ERROR_JSON, times=1),
        Fault(kind=Damage.REDIRECT, location="http://169.254.169.254/", times=1),
        Fault(kind=ErrorKind.SORRY, times=1),
        Fault(kind=ErrorKind.RATE_LIMIT, retry_after_s=1.5, times=1),
        Fault(kind=ErrorKind.TOO_MANY_REQUESTS, times=1),
    )

    page, error, redirect, sorry, limited, too_many = [await client.media(file) for _ in range(6)]

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (error.status, error.reason) == (200, "backendError")
    assert (redirect.status, redirect.headers["Location"]) == (302, "http://169.254.169.254/")
    assert sorry.status == 403
    assert b"automated queries" in sorry.body
    assert (limited.status, limited.reason, limited.headers["Retry-After"]) == (403, "rateLimitExceeded", "1.5")
    assert (too_many.status, too_many.reason) == (429, "rateLimitExceeded")
    assert drive.requests.statuses == {200: 2, 302: 1, 403: 2, 429: 1}


async def test_concurrent_calls_are_counted(tree: Tree) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=DATA)
    async with DriveTestServer(tree, latency_s=0.1) as drive, aiohttp.ClientSession() as session:
        url = f"{drive.url}/drive/v3/files/{file.id}?alt=media&key={drive.api_key}"

        async def read() -> bytes:
            async with session.get(url) as response:
                return await response.read()

        assert set(await asyncio.gather(*[read() for _ in range(10)])) == {DATA}
        assert drive.requests.in_flight_peak == 10
        assert drive.requests.in_flight == 0


async def test_calls_beyond_the_quota_are_rejected(tree: Tree) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=DATA)
    async with DriveTestServer(tree, quota_scale=0.01, quota_burst_s=6) as drive, aiohttp.ClientSession() as session:
        client = ApiClient(drive=drive, session=session)
        key = {"X-Goog-Api-Key": drive.api_key}
        # A hundredth of the quota is 1,000 units in 6 seconds: 5 downloads.
        responses = [await client.media(file, headers=key) for _ in range(7)]

    assert [response.status for response in responses] == [200] * 5 + [403] * 2
    assert responses[-1].reason == "rateLimitExceeded"
    assert drive.requests.count(Operation.MEDIA) == 7
