"""Imports over a network that breaks, stalls or redirects downloads."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from hashlib import md5
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import Reason, TransientError
from imageferry.model import ItemState, JobState
from imageferry.sources.google_drive.config import Timeouts
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow
from tests.servers.loopback import CertificateAuthority

SMALL_BYTES = 20_000
LARGE_BYTES = 9 << 20  # transferred as a stream, in parts
# Each try of a transfer makes `tries_max` calls of the source.
DOWNLOADS_MAX = FAST_LIMITS.source_retry_policy.tries_max * FAST_LIMITS.lease_policy.item_tries_max

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
async def test_bytes_that_arrive_broken_are_downloaded_again(
    tree: Tree, flow: ImportFlow, fault: Fault, size_bytes: int
) -> None:
    root = _folder(tree, size_bytes=size_bytes)
    flow.drive.faults.add(fault)

    result = await flow.run(root)

    assert flow.drive.faults.injected[fault] == fault.times
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    assert flow.drive.requests.count(Operation.MEDIA) <= 2 + (fault.times or 0)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.assert_consistent(result)


@sizes
@pytest.mark.parametrize(
    "fault",
    [Fault(kind=Damage.STALL, seconds=2, times=1), Fault(kind=Damage.TRICKLE, seconds=0.6, times=1)],
    ids=lambda fault: str(fault.kind),
)
async def test_a_download_that_stalls_or_trickles_times_out_and_is_repeated(
    tree: Tree, flow: ImportFlow, fault: Fault, size_bytes: int
) -> None:
    root = _folder(tree, size_bytes=size_bytes)
    flow.limits = replace(FAST_LIMITS, source_timeouts=Timeouts(stall_s=0.5, bytes_per_s_min=64 << 10))
    flow.drive.faults.add(fault)

    result = await flow.run(root)

    assert flow.drive.faults.injected[fault] == 1
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.assert_consistent(result)


@sizes
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Damage.RESET_AT_START, (Reason.SOURCE_UNAVAILABLE, "Google can't be reached")),
        (Damage.RESET_AT_END, (Reason.CORRUPT, "broke off")),
        (Damage.SHORT, (Reason.CORRUPT, "listed with {size_bytes}")),
        (Damage.LONG, (Reason.CORRUPT, "listed with {size_bytes}")),
        (Damage.FLIPPED_BIT, (Reason.CORRUPT, "the source lists {md5}")),
    ],
)
async def test_bytes_that_always_arrive_broken_are_not_stored_and_fail_after_a_bounded_number_of_tries(
    tree: Tree, flow: ImportFlow, kind: Damage, expected: tuple[Reason, str], size_bytes: int
) -> None:
    reason, message = expected
    root = _folder(tree, size_bytes=size_bytes, name="not a photo.png")
    (file,) = tree.files()
    flow.drive.faults.add(Fault(kind=kind))

    result = await flow.run(root)

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), item.state, item.reason) == (ExitCode.RETRYABLE, ItemState.FAILED, reason)
    assert message.format(size_bytes=size_bytes, md5=_md5(file)) in item.detail
    # The HTTP client itself repeats a GET once when the connection dies before any response.
    assert flow.drive.requests.count(Operation.MEDIA) <= 2 * DOWNLOADS_MAX
    assert flow.objects() == {}
    await flow.assert_consistent(result)


@pytest.mark.parametrize("size_bytes", [1_000, LARGE_BYTES])
async def test_a_photograph_that_never_matches_its_listed_digest_is_stored_and_flagged(
    tree: Tree, flow: ImportFlow, size_bytes: int
) -> None:
    root = tree.folder("Root")
    wrong = "0123456789abcdef0123456789abcdef"
    content = b"\xff\xd8\xff" + b"photograph" * (size_bytes // 10) + b"\xff\xd9"
    file = tree.file(root, "from Google Photos.jpg", content=content, claimed_md5=wrong)

    result = await flow.run(root)

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), item.state, item.digest_mismatch) == (
        ExitCode.SUCCESS,
        ItemState.STORED,
        True,
    )
    assert wrong in item.detail
    assert _md5(file) in item.detail
    assert flow.drive.requests.count(Operation.MEDIA) <= 3
    await flow.assert_consistent(result)


@pytest.mark.parametrize("then", [Damage.RANGE_IGNORED, ErrorKind.UNAVAILABLE])
async def test_a_broken_stream_continues_even_if_the_source_ignores_the_offset(
    tree: Tree, flow: ImportFlow, then: Damage | ErrorKind
) -> None:
    root = _folder(tree, size_bytes=LARGE_BYTES)
    flow.drive.faults.add(Fault(kind=Damage.RESET_HALF_WAY, times=1), Fault(kind=then, times=1))

    result = await flow.run(root)

    assert flow.drive.faults.injected.total() == 2
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    await _assert_stored_as_at_the_source(tree, flow)
    await flow.assert_consistent(result)


async def test_an_unknown_host_name_is_reported_as_unreachable(tree: Tree, flow: ImportFlow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    flow.setting_overrides["google_drive_endpoint"] = "http://drive.invalid"

    with pytest.raises(TransientError, match="Google can't be reached") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.SOURCE_UNAVAILABLE
    assert flow.objects() == {}


async def test_a_server_with_an_untrusted_certificate_gets_no_request(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    authority = CertificateAuthority(tmp_path)
    async with DriveTestServer(tree, tls=authority.server_context()) as drive:
        flow = ImportFlow(drive=drive, home=tmp_path / "home")
        with pytest.raises(TransientError, match="certificate") as refused:
            await flow.run(root)
        assert refused.value.reason is Reason.SOURCE_UNAVAILABLE
        assert not drive.requests.calls

        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(authority.path))
        result = await flow.run(root)

        assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
        await flow.assert_consistent(result)


async def test_a_redirect_to_a_private_address_is_not_followed(tree: Tree, flow: ImportFlow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    (file,) = tree.files()
    async with _canary() as (private_url, visits):
        flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=private_url))
        result = await flow.run(root)

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), item.state, item.reason) == (
        ExitCode.FAILURE,
        ItemState.FAILED,
        Reason.REFUSED_REDIRECT,
    )
    assert "isn't a Google host" in item.detail
    assert visits == []
    assert flow.drive.requests.count(Operation.MEDIA) == 1
    await flow.assert_consistent(result)


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
async def test_a_redirect_to_another_host_than_googles_fails_at_once(
    tree: Tree, flow: ImportFlow, location: str
) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=location))

    result = await flow.run(root)

    assert result.failures == {Reason.REFUSED_REDIRECT: 1}
    assert flow.drive.requests.count(Operation.MEDIA) == 1
    await flow.assert_consistent(result)


async def test_an_endless_redirect_fails(tree: Tree, flow: ImportFlow) -> None:
    root = _folder(tree, size_bytes=SMALL_BYTES)
    (file,) = tree.files()
    location = f"{flow.drive.url}/drive/v3/files/{file.id}?alt=media"
    flow.drive.faults.add(Fault(kind=Damage.REDIRECT, location=location))

    result = await flow.run(root)

    assert result.failures == {Reason.SOURCE_UNAVAILABLE: 1}
    assert flow.drive.requests.count(Operation.MEDIA) == 6 * DOWNLOADS_MAX
    await flow.assert_consistent(result)


def _folder(tree: Tree, *, size_bytes: int, name: str = "IMG_{:04d}.jpg") -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=size_bytes, name=name)
    return root


def _md5(file: Node) -> str:
    assert file.content is not None
    return file.content.digest("md5")


async def _assert_stored_as_at_the_source(tree: Tree, flow: ImportFlow) -> None:
    records = await flow.records()
    objects = flow.objects()
    for file in tree.files():
        assert md5(objects[records[file.id].object_key], usedforsecurity=False).hexdigest() == _md5(file)


@contextlib.asynccontextmanager
async def _canary() -> AsyncIterator[tuple[str, list[str]]]:
    """Run a server on a private address; yield its URL and the requested paths."""
    visits: list[str] = []

    async def record_visit(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.Response(body=b"\xff\xd8\xff secret", content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/{path:.*}", record_visit)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/secret", visits
    finally:
        await runner.cleanup()


async def test_a_job_waits_for_an_unreachable_source_and_no_file_fails(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 20, size_bytes=100)
    flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=0.1))

    async def stop_server() -> None:
        await flow.wait_for_downloads(2)
        await flow.drive.__aexit__(None, None, None)

    flow.setting_overrides |= {"concurrency": 2, "wait_s": 0}
    _, waiting = await asyncio.gather(stop_server(), flow.run(root))
    await flow.drive.__aenter__()
    flow.drive.faults.clear()
    result = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.SOURCE_UNAVAILABLE)
    assert waiting.job.failed == 0
    assert (result.job.id, result.job.stored, result.job.failed) == (waiting.job.id, 20, 0)
    await flow.assert_consistent(result)
