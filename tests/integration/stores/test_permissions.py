"""Imports into buckets whose credentials lack permissions."""

from collections.abc import Collection
from hashlib import md5
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import NotPermittedError, Reason
from imageferry.model import TransferItem
from imageferry.pipeline.transfer.file_transfer import find_verified_object
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.permissions import Access
from imageferry.stores.s3_options import AwsAccess
from imageferry.stores.store import Store
from tests.drivers.import_flow import ImportFlow
from tests.drivers.shell import Shell
from tests.servers.s3 import BUCKET, FakeS3, S3Fault, S3Operation, error_response, operation_of

pytestmark = pytest.mark.integration

GET, LIST, DELETE, ABORT = "s3:GetObject", "s3:ListBucket", "s3:DeleteObject", "s3:AbortMultipartUpload"
LARGE_BYTES = 20 << 20  # three parts


@pytest.fixture
def flow(s3_flow: ImportFlow) -> ImportFlow:
    return s3_flow


def store_of(s3: FakeS3) -> Store:
    """Return a store on `s3`."""
    access = AwsAccess(access_key_id="key", secret_access_key="secret", endpoint_url=s3.settings["aws_endpoint_url"])
    return open_store(StoreConfig(url=f"s3://{BUCKET}", aws=access, retries_max=0))


@pytest.mark.parametrize("names_denied", [True, False])
@pytest.mark.parametrize(
    "denied",
    [(), (GET,), (LIST,), (DELETE,), (ABORT,), (GET, LIST), (LIST, DELETE), (GET, DELETE), (GET, LIST, DELETE, ABORT)],
    ids="+".join,
)
async def test_the_check_names_what_is_missing_and_leaves_no_object(
    denied: tuple[str, ...],
    names_denied: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with FakeS3(denied=denied, names_denied=names_denied) as s3:
        store = store_of(s3)

        permissions = await store.check(uploads=True)

        await store.close()
        assert s3.objects == {}
        assert ABORT in denied or s3.uploads == {}
        # Where nothing may be listed or deleted, only a store that names the permission says whether it may be read.
        is_unknown = not names_denied and {LIST, DELETE} <= {*denied}
        assert permissions.unknown == ((Access.READ,) if is_unknown else ())
        missing = {Access.READ: GET, Access.LIST: LIST, Access.DELETE: DELETE, Access.ABORT: ABORT}
        assert {missing[access] for access in permissions.missing} == {*denied} - ({GET} if is_unknown else set())
        assert all(name in " ".join(permissions.sentences) for name in denied)


class Lacking(FakeS3):
    """A server that does not know some operations."""

    unknown: Collection[S3Operation] = ()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if operation_of(request) in self.unknown:
            return error_response(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        return await super()._handle(request)


@pytest.mark.parametrize(
    ("unknown", "missing"),
    [({S3Operation.HEAD}, Access.READ), ({S3Operation.DELETE, S3Operation.HEAD}, Access.DELETE)],
)
async def test_a_server_that_lacks_what_an_import_can_do_without_passes_the_check(
    unknown: set[S3Operation], missing: Access
) -> None:
    async with Lacking() as s3:
        s3.unknown = unknown
        store = store_of(s3)

        permissions = await store.check()

        await store.close()
        assert (permissions.missing, s3.objects) == ((missing,), {})


async def test_the_doctor_says_what_is_missing_and_what_is_lost(
    drive: DriveTestServer, s3: FakeS3, tmp_path: Path
) -> None:
    s3.denied |= {GET, LIST, DELETE, ABORT}
    environment = {name.upper(): value for name, value in s3.settings.items()}

    result = await Shell(drive, tmp_path / "home")("doctor", **environment)

    assert result.code == 0
    for name in s3.denied:
        assert name in result.stderr
    assert "stay in the storage" in result.stderr


async def test_a_bucket_that_may_not_be_written_to_is_refused() -> None:
    async with FakeS3(denied=("s3:PutObject", DELETE)) as s3:
        store = store_of(s3)
        with pytest.raises(NotPermittedError, match=r"Grant them s3:PutObject\."):
            await store.check()
        await store.close()


@pytest.mark.parametrize("denied", [(GET,), (LIST,), (DELETE,), (GET, LIST, DELETE, ABORT)], ids="+".join)
async def test_an_interrupted_import_goes_on_whatever_may_not_be_seen(
    tree: Tree, flow: ImportFlow, s3: FakeS3, denied: tuple[str, ...]
) -> None:
    root = _album(tree)
    s3.denied |= {*denied}
    flow.setting_overrides["concurrency"] = 2
    s3.add_fault(S3Fault.SLOW_DOWN, on=S3Operation.PUT, after=3)
    waiting = await flow.run(root)
    s3.clear_faults()

    result = await flow.run(root)

    assert (result.job.id, exit_code_for_result(result)) == (waiting.job.id, ExitCode.SUCCESS)
    assert (waiting.job.stored < 7, result.job.stored) == (True, 7)
    await flow.assert_consistent(result)


@pytest.mark.parametrize(
    ("denied", "adopted"),
    [((), True), ((DELETE,), True), ((LIST,), True), ((GET,), False), ((GET, LIST, DELETE, ABORT), False)],
)
async def test_an_object_that_a_killed_process_had_stored_is_adopted_if_it_may_be_seen_and_else_stored_again(
    s3: FakeS3, denied: tuple[str, ...], *, adopted: bool
) -> None:
    s3.denied |= {*denied}
    s3.objects["F/1_a.jpg"] = b"picture"
    item = TransferItem(
        item_id=1,
        file_id="1",
        name="a.jpg",
        mime_type="image/jpeg",
        size_bytes=7,
        md5=md5(b"picture", usedforsecurity=False).hexdigest(),
        object_key="F/1_a.jpg",
    )
    store = store_of(s3)

    found = await find_verified_object(item, store=store)
    missing = await find_verified_object(replace(item, object_key="F/2_b.jpg"), store=store)

    await store.close()
    assert ((found is not None), missing) == (adopted, None)


async def test_a_source_that_breaks_off_is_not_hidden_by_an_upload_that_may_not_be_aborted(
    tree: Tree, flow: ImportFlow, s3: FakeS3
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, 1, size_bytes=LARGE_BYTES)
    s3.denied.add(ABORT)
    flow.drive.faults.add(Fault(kind=Damage.FLIPPED_BIT))

    result = await flow.run(root)

    assert result.failures == {Reason.CORRUPT: 1}


async def test_objects_that_may_not_be_read_back_are_trusted(
    tree: Tree, drive: DriveTestServer, tmp_path: Path
) -> None:
    root = _album(tree)
    async with FakeS3(opaque_e_tags=True, denied=(GET,)) as s3:
        flow = ImportFlow(
            drive=drive,
            home=tmp_path / "home",
            setting_overrides=s3.settings | {"concurrency": 1},
            read_objects=s3.stored_objects,
        )

        result = await flow.run(root)

        assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 7)
        await flow.assert_consistent(result)


async def test_a_damaged_object_that_may_not_be_deleted_costs_only_its_file(
    tree: Tree, flow: ImportFlow, s3: FakeS3
) -> None:
    root = _album(tree)
    s3.denied.add(DELETE)
    flow.setting_overrides["concurrency"] = 1
    s3.add_fault(S3Fault.DAMAGED, on=S3Operation.PUT, times=3)

    result = await flow.run(root)

    assert result.failures == {Reason.CORRUPT: 1}
    assert result.job.stored == 6


async def test_reading_or_deleting_what_is_not_permitted_names_the_permission(s3: FakeS3) -> None:
    s3.denied |= {GET, DELETE}
    s3.objects["a.jpg"] = b"picture"
    store = store_of(s3)

    for forbidden, name in (
        (store.head("a.jpg"), GET),
        (store.read_head("a.jpg", size_bytes=1), GET),
        (store.delete("a.jpg"), DELETE),
        (store.delete_all(["a.jpg", "b.jpg"]), DELETE),
    ):
        with pytest.raises(NotPermittedError, match=name):
            await forbidden

    await store.close()


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(6):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * 1000)
    tree.numbered_files(tree.folder("Large", parent=root), 1, size_bytes=LARGE_BYTES)
    return root
