"""What becomes of bytes between the source and here."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from hashlib import md5
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from imageferry.cli.exit_codes import Exit
from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.errors import Reason, TransientError
from imageferry.model import ItemState, JobState
from imageferry.sources.google_drive.config import Deadlines
from tests.drivers.import_flow import QUICK, Flow
from tests.servers.loopback import Authority

SMALL_BYTES = 20_000
LARGE_BYTES = 9 << 20  # passes as a stream, in parts
# Each try of the transfer makes as many of the source.
DOWNLOADS_MAX = QUICK.patience.tries_max * QUICK.terms.item_tries_max

sizes = pytest.mark.parametrize("size_bytes", [SMALL_BYTES, LARGE_BYTES], ids=["whole", "stream"])


@sizes
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Damage.RESET_AT_START, times=2),
        Fault(kind=Damage.RESET_HALF_WAY, times=2),
        Fault(kind=Damage.RESET_AT_END, times=2),
        Fault(kind=Damage.SHORT, times=1),
        Fault(kind=Damage.LONG, times=1),
        Fault(kind=Damage.FLIPPED_BIT, times=1),
    ],
    ids=lambda fault: str(fault.kind),
)
async def test_bytes_that_arrive_broken_are_fetched_again(
    tree: Tree, flow: Flow, fault: Fault, size_bytes: int
) -> None:
    root = _folder(tree, size_bytes=size_bytes)
    flow.drive.faults.add(fault)

    ending = await flow.run(root)

    assert flow.drive.faults.struck[fault] == fault.times
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    assert flow.drive.requests.count(Operation.MEDIA) <= 2 + (fault.times or 0)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.holds_together(ending)


@sizes
@pytest.mark.parametrize(
    "fault",
    [Fault(kind=Damage.STALL, seconds=2, times=1), Fault(kind=Damage.TRICKLE, seconds=0.6, times=1)],
    ids=lambda fault: str(fault.kind),
)
async def test_bytes_that_stall_or_trickle_are_given_up_at_a_deadline_and_fetched_again(
    tree: Tree, flow: Flow, fault: Fault, size_bytes: int
) -> None:
    root = _folder(tree, size_bytes=size_bytes)
    flow.limits = replace(QUICK, deadlines=Deadlines(stall_s=0.5, pace_bytes_s_min=64 << 10))
    flow.drive.faults.add(fault)

    ending = await flow.run(root)

    assert flow.drive.faults.struck[fault] == 1
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.holds_together(ending)


@sizes
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Damage.RESET_AT_START, (Reason.SOURCE_UNAVAILABLE, "Google cannot be reached")),
        (Damage.RESET_AT_END, (Reason.CORRUPT, "ended before all of it had come")),
        (Damage.SHORT, (Reason.CORRUPT, "listed with {size_bytes}")),
        (Damage.LONG, (Reason.CORRUPT, "listed with {size_bytes}")),
        (Damage.FLIPPED_BIT, (Reason.CORRUPT, "the source tells {md5}")),
    ],
)
async def test_bytes_that_always_arrive_broken_are_never_stored_and_fail_after_a_bounded_number_of_tries(
    tree: Tree, flow: Flow, kind: Damage, expected: tuple[Reason, str], size_bytes: int
) -> None:
    reason, told = expected
    root = _folder(tree, size_bytes=size_bytes, name="not a photo.png")
    (file,) = tree.files()
    flow.drive.faults.add(Fault(kind=kind))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[file.id]
    assert (ending.exit, item.state, item.reason) == (Exit.RETRYABLE, ItemState.FAILED, reason)
    assert told.format(size_bytes=size_bytes, md5=_md5(file)) in item.detail
    # The HTTP client makes a GET once more by itself when the connection dies before any answer.
    assert flow.drive.requests.count(Operation.MEDIA) <= 2 * DOWNLOADS_MAX
    assert flow.objects() == {}
    await flow.holds_together(ending)


@pytest.mark.parametrize("size_bytes", [1_000, LARGE_BYTES])
async def test_a_photograph_that_never_matches_the_digest_it_is_listed_with_is_kept_and_flagged(
    tree: Tree, flow: Flow, size_bytes: int
) -> None:
    root = tree.folder("Root")
    wrong = "0123456789abcdef0123456789abcdef"
    content = b"\xff\xd8\xff" + b"photograph" * (size_bytes // 10) + b"\xff\xd9"
    file = tree.file(root, "from Google Photos.jpg", content=content, claimed_md5=wrong)

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[file.id]
    assert (ending.exit, item.state, item.flagged) == (Exit.DONE, ItemState.STORED, True)
    assert wrong in item.detail
    assert _md5(file) in item.detail
    assert flow.drive.requests.count(Operation.MEDIA) <= 3
    await flow.holds_together(ending)


@pytest.mark.parametrize("then", [Damage.RANGE_IGNORED, Refusal.UNAVAILABLE])
async def test_a_stream_that_broke_goes_on_although_the_source_ignores_where(
    tree: Tree, flow: Flow, then: Damage | Refusal
) -> None:
    root = _folder(tree, size_bytes=LARGE_BYTES)
    flow.drive.faults.add(Fault(kind=Damage.RESET_HALF_WAY, times=1), Fault(kind=then, times=1))

    ending = await flow.run(root)

    assert flow.drive.faults.struck.total() == 2
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.holds_together(ending)


async def test_a_name_that_is_not_found_says_that_the_source_cannot_be_reached(tree: Tree, flow: Flow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    flow.given["google_drive_endpoint"] = "http://drive.invalid"

    with pytest.raises(TransientError, match="Google cannot be reached") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.SOURCE_UNAVAILABLE
    assert flow.objects() == {}


async def test_a_certificate_that_nobody_vouches_for_is_not_talked_to(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    authority = Authority(tmp_path)
    async with StandIn(tree, tls=authority.context()) as drive:
        flow = Flow(drive=drive, home=tmp_path / "home")
        with pytest.raises(TransientError, match="certificate") as refused:
            await flow.run(root)
        assert refused.value.reason is Reason.SOURCE_UNAVAILABLE
        assert not drive.requests.calls

        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(authority.path))
        ending = await flow.run(root)

        assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
        await flow.holds_together(ending)


async def test_a_redirect_to_a_private_address_is_not_followed(tree: Tree, flow: Flow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    (file,) = tree.files()
    async with _canary() as (private_url, visits):
        flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=private_url))
        ending = await flow.run(root)

    item = (await flow.items(ending.job))[file.id]
    assert (ending.exit, item.state, item.reason) == (Exit.OTHER, ItemState.FAILED, Reason.REFUSED_REDIRECT)
    assert "not its own" in item.detail
    assert visits == []
    assert flow.drive.requests.count(Operation.MEDIA) == 1
    await flow.holds_together(ending)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "file:///etc/passwd",
        "https://www.googleapis.com.example.net/",
        "https://user@127.0.0.1/",
        "//localhost:1/",
        "http://[",
    ],
)
async def test_a_redirect_anywhere_but_to_google_is_refused_at_once(tree: Tree, flow: Flow, location: str) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=location))

    ending = await flow.run(root)

    assert ending.failures == {Reason.REFUSED_REDIRECT: 1}
    assert flow.drive.requests.count(Operation.MEDIA) == 1
    await flow.holds_together(ending)


async def test_a_redirect_without_end_is_left(tree: Tree, flow: Flow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    (file,) = tree.files()
    location = f"{flow.drive.url}/drive/v3/files/{file.id}?alt=media"
    flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=location))

    ending = await flow.run(root)

    assert ending.failures == {Reason.SOURCE_UNAVAILABLE: 1}
    assert flow.drive.requests.count(Operation.MEDIA) == 6 * DOWNLOADS_MAX
    await flow.holds_together(ending)


def _folder(tree: Tree, *, size_bytes: int, name: str = "IMG_{:04d}.jpg") -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=size_bytes, name=name)
    return root


def _md5(file: Node) -> str:
    assert file.content is not None
    return file.content.digest("md5")


async def _assert_stored_as_at_the_source(tree: Tree, flow: Flow) -> None:
    records = await flow.records()
    objects = flow.objects()
    for file in tree.files():
        assert md5(objects[records[file.id].object_key], usedforsecurity=False).hexdigest() == _md5(file)


@contextlib.asynccontextmanager
async def _canary() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that only we can reach, and whatever was asked of it."""
    visits: list[str] = []

    async def visited(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.Response(body=b"\xff\xd8\xff secret", content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/{path:.*}", visited)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/secret", visits
    finally:
        await runner.cleanup()


async def test_a_source_that_cannot_be_reached_is_waited_for_and_no_file_fails_for_it(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 20, size_bytes=100)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1))

    async def cut() -> None:
        await flow.downloads(2)
        await flow.drive.__aexit__(None, None, None)

    flow.given |= {"concurrency": 2, "patience_s": 0}
    _, waiting = await asyncio.gather(cut(), flow.run(root))
    await flow.drive.__aenter__()
    flow.drive.faults.clear()
    ending = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.SOURCE_UNAVAILABLE)
    assert waiting.job.failed == 0
    assert (ending.job.id, ending.job.stored, ending.job.failed) == (waiting.job.id, 20, 0)
    await flow.holds_together(ending)
