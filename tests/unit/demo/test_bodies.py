"""Files' bytes over HTTP: ranges, and every way to damage them."""

import asyncio
import time

import aiohttp
import pytest

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import Asker

DATA = bytes(range(256)) * 20


@pytest.fixture
def file(tree: Tree) -> Node:
    return tree.file(tree.folder("Root"), "a.jpg", content=DATA)


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
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
async def test_a_range_is_answered_as_http_has_it(
    asker: Asker, file: Node, *, asked: str, status: int, part: bytes, told: str | None
) -> None:
    answer = await asker.media(file, headers={"Range": asked})

    assert (answer.status, answer.body) == (status, part)
    assert answer.headers.get("Content-Range") == told


async def test_no_byte_can_be_had_of_an_empty_file(tree: Tree, asker: Asker) -> None:
    empty = tree.file(tree.folder("Root"), "empty.jpg", content=b"")

    assert (await asker.media(empty)).body == b""
    assert (await asker.media(empty, headers={"Range": "bytes=0-"})).status == 416


async def test_a_changed_file_is_sent_whole_to_who_would_go_on_with_the_old(
    tree: Tree, asker: Asker, file: Node
) -> None:
    first = await asker.media(file)
    go_on = {"Range": "bytes=100-", "If-Range": first.headers["Last-Modified"]}

    assert (await asker.media(file, headers=go_on)).status == 206
    tree.replace_content(file, b"new")
    changed = await asker.media(file, headers=go_on)
    assert (changed.status, changed.body) == (200, b"new")


async def test_a_large_file_is_streamed_and_counted(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=5_000_000)
    (large,) = tree.children(root)
    assert large.content is not None

    answer = await asker.media(large)

    assert answer.body == large.content.read(0, 5_000_000)
    assert drive.requests.bytes_by_file[large.id] == drive.requests.bytes_sent == 5_000_000
    assert drive.requests.downloads_by_file[large.id] == 1


@pytest.mark.parametrize(
    ("damage", "received"),
    [(Damage.RESET_AT_START, 0), (Damage.RESET_HALF_WAY, 2560), (Damage.RESET_AT_END, 5119)],
)
async def test_a_connection_breaks_off_to_order(
    asker: Asker, drive: StandIn, file: Node, *, damage: Damage, received: int
) -> None:
    # Always, because aiohttp repeats a GET that was reset before it was answered.
    drive.faults.add(Fault(kind=damage))
    body = bytearray()

    async def read() -> None:
        async with asker.session.get(f"{drive.url}/drive/v3/files/{file.id}?alt=media") as answer:
            async for chunk in answer.content.iter_any():
                body.extend(chunk)

    with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
        await read()

    assert len(body) == received
    drive.faults.clear()
    assert (await asker.media(file)).body == DATA


@pytest.mark.parametrize(
    ("damage", "size_bytes"), [(Damage.SHORT, 2560), (Damage.LONG, 5154), (Damage.FLIPPED_BIT, 5120)]
)
async def test_a_body_is_another_to_order(
    asker: Asker, drive: StandIn, file: Node, damage: Damage, size_bytes: int
) -> None:
    drive.faults.add(Fault(kind=damage, times=1))

    answer = await asker.media(file)

    assert (answer.status, len(answer.body)) == (200, size_bytes)
    assert answer.body != DATA


async def test_a_range_is_ignored_to_order(asker: Asker, drive: StandIn, file: Node) -> None:
    drive.faults.add(Fault(kind=Damage.RANGE_IGNORED))

    answer = await asker.media(file, headers={"Range": "bytes=100-"})

    assert (answer.status, answer.body) == (200, DATA)


async def test_a_body_stalls_or_trickles_to_order(tree: Tree, asker: Asker, drive: StandIn) -> None:
    file = tree.file(tree.folder("Root"), "tiny.jpg", content=b"12345678")
    drive.faults.add(
        Fault(kind=Damage.STALL, seconds=0.2, times=1),
        Fault(kind=Damage.TRICKLE, seconds=0.03, times=1),
        Fault(kind=Damage.SLOW, seconds=0.2, times=1),
    )

    for _ in range(3):
        begun_s = time.monotonic()
        assert (await asker.media(file)).body == b"12345678"
        assert time.monotonic() - begun_s >= 0.2


async def test_something_else_comes_instead_of_the_file_to_order(asker: Asker, drive: StandIn, file: Node) -> None:
    drive.faults.add(
        Fault(kind=Damage.HTML, times=1),
        Fault(kind=Damage.ERROR_JSON, times=1),
        Fault(kind=Damage.REDIRECT, location="http://169.254.169.254/", times=1),
        Fault(kind=Refusal.SORRY, times=1),
        Fault(kind=Refusal.RATE_LIMIT, retry_after_s=1.5, times=1),
        Fault(kind=Refusal.TOO_MANY_REQUESTS, times=1),
    )

    page, error, elsewhere, sorry, limited, too_many = [await asker.media(file) for _ in range(6)]

    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (error.status, error.reason) == (200, "backendError")
    assert (elsewhere.status, elsewhere.headers["Location"]) == (302, "http://169.254.169.254/")
    assert sorry.status == 403
    assert b"automated queries" in sorry.body
    assert (limited.status, limited.reason, limited.headers["Retry-After"]) == (403, "rateLimitExceeded", "1.5")
    assert (too_many.status, too_many.reason) == (429, "rateLimitExceeded")
    assert drive.requests.statuses == {200: 2, 302: 1, 403: 2, 429: 1}


async def test_calls_at_once_are_counted(tree: Tree) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=DATA)
    async with StandIn(tree, latency_s=0.1) as drive, aiohttp.ClientSession() as session:
        url = f"{drive.url}/drive/v3/files/{file.id}?alt=media&key={drive.api_key}"

        async def read() -> bytes:
            async with session.get(url) as answer:
                return await answer.read()

        assert set(await asyncio.gather(*[read() for _ in range(10)])) == {DATA}
        assert drive.requests.in_flight_peak == 10
        assert drive.requests.in_flight == 0


async def test_past_the_quota_calls_are_refused(tree: Tree) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=DATA)
    async with StandIn(tree, quota_scale=0.01, quota_burst_s=6) as drive, aiohttp.ClientSession() as session:
        asker = Asker(drive=drive, session=session)
        key = {"X-Goog-Api-Key": drive.api_key}
        # A hundredth of the quota is 1,000 units in six seconds: five downloads.
        answers = [await asker.media(file, headers=key) for _ in range(7)]

    assert [answer.status for answer in answers] == [200] * 5 + [403] * 2
    assert answers[-1].reason == "rateLimitExceeded"
    assert drive.requests.count(Operation.MEDIA) == 7
